select null::app.payer;
