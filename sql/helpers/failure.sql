\set ECHO none
-- failure(call): what a call raises, as code, message and detail. Ids that were kept are replaced by their names,
-- times by TIME. keep(name, id) keeps one, id(name) tells it.
CREATE TABLE kept (name text PRIMARY KEY, id uuid);
CREATE FUNCTION keep(text, uuid) RETURNS text LANGUAGE sql AS 'INSERT INTO kept VALUES ($1, $2) RETURNING name';
CREATE FUNCTION id(text) RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT id FROM kept WHERE name = $1';
CREATE FUNCTION failure(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    said text;
    known record;
BEGIN
    EXECUTE 'SELECT ' || call;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    said := concat_ws(' ', SQLSTATE, SQLERRM, nullif(detail, ''));
    FOR known IN SELECT * FROM kept LOOP
        said := replace(said, known.id::text, known.name);
    END LOOP;
    RETURN regexp_replace(said, '\d{4}-\d\d-\d\dT[-+.:\d]+', 'TIME', 'g');
END
$$;
\set ECHO all
