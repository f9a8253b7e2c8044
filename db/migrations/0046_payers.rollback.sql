-- With the functions that were made on it; the release that is gone back to makes its own.
drop type app.payer cascade;
