drop type app.contribution;
