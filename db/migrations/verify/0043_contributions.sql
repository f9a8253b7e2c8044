select null::app.contribution;
