-- The install and the upgrade scripts find no operator and no function of somebody else's, whatever was
-- put into the schema beforehand.
CREATE EXTENSION wallet;
CREATE TABLE called AS
SELECT DISTINCT match[1] AS name
FROM (
    SELECT pg_get_functiondef(p.oid) AS text FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid
    WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND p.prosqlbody IS NOT NULL
    UNION ALL
    SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM pg_class WHERE relname ~ '^wallet|^transaction')
) AS script, regexp_matches(text, '\m([a-z_0-9]+)\(', 'g') AS match
WHERE match[1] IN (SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace);
DROP EXTENSION wallet;
SELECT count(*) > 20 AS many_functions_are_called FROM called;

-- What anybody may create who may create in the schema: each operator and function for each pair of types
-- for which PostgreSQL has none that is exact. Whoever calls one fails.
CREATE FUNCTION plant_operators(a text, b text, operators text[], result text) RETURNS void LANGUAGE plpgsql AS $plant$
DECLARE
    name text;
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION foreign_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $$BEGIN RAISE ''foreign code was called''; END$$',
        cardinality(operators), a, b, result);
    FOREACH name IN ARRAY operators LOOP
        IF to_regoperator(format('%s(%s,%s)', name, a, b)) IS NULL THEN
            EXECUTE format('CREATE OPERATOR %s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = foreign_%s)', name, a, b, cardinality(operators));
        END IF;
    END LOOP;
END
$plant$;
CREATE FUNCTION plant_functions(arguments text, result text) RETURNS void LANGUAGE plpgsql AS $plant$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.name FROM called AS c WHERE to_regprocedure(format('pg_catalog.%I(%s)', c.name, arguments)) IS NULL LOOP
        IF name IN ('lag', 'lead') THEN
            CONTINUE WHEN arguments LIKE '%,%';
            EXECUTE format('CREATE AGGREGATE %I(%s) (SFUNC = foreign_7, STYPE = %s)', name, arguments, arguments);
        ELSE
            EXECUTE format('CREATE FUNCTION %I(%s) RETURNS %s LANGUAGE plpgsql AS $$BEGIN RAISE ''foreign code was called''; END$$',
                name, arguments, result);
        END IF;
    END LOOP;
END
$plant$;
-- What the extension's own objects use that is neither PostgreSQL's nor the extension's.
CREATE VIEW bound AS
WITH member AS (
    SELECT d.classid, d.objid
    FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass::oid AND d.deptype = 'e'
    WHERE e.extname = 'wallet'
), own AS (
    SELECT classid, objid FROM member
    UNION ALL
    SELECT d.classid, d.objid FROM member JOIN pg_depend AS d ON d.refclassid = member.classid AND d.refobjid = member.objid
    WHERE d.deptype IN ('a', 'i') AND d.classid <> 'pg_type'::regclass::oid
)
SELECT DISTINCT pg_describe_object(own.classid, own.objid, 0) AS object, pg_describe_object(d.refclassid, d.refobjid, 0) AS uses
FROM own JOIN pg_depend AS d ON d.classid = own.classid AND d.objid = own.objid
WHERE d.refclassid = ANY ('{pg_proc,pg_operator,pg_opclass,pg_collation,pg_cast}'::regclass[]::oid[])
  AND NOT EXISTS (SELECT FROM member WHERE member.classid = d.refclassid AND member.objid = d.refobjid);

\pset format unaligned
\pset tuples_only on

-- Version 1.1 took what there was; the upgrade takes nothing, however much there is.
SELECT plant_operators('numeric', 'integer', '{=,<>,<,<=,>,>=}', 'boolean');
CREATE EXTENSION wallet VERSION '1.1';
SELECT * FROM bound ORDER BY object, uses;
SELECT count(*) FROM (
    SELECT plant_operators(a, b, '{=,<>,<,<=,>,>=}', 'boolean'), plant_operators(a, b, '{||,->>}', 'text'),
           plant_operators(a, b, '{+,-,*,/,%,>>,&}', a)
    FROM unnest('{uuid,text,varchar,name,"char",numeric,bigint,integer,smallint,boolean,timestamptz,interval,jsonb,oid,regclass,float8,text[]}'::text[])
        WITH ORDINALITY AS a(a, i), unnest('{uuid,text,varchar,name,"char",numeric,bigint,integer,smallint,boolean,timestamptz,interval,jsonb,oid,regclass,float8,text[]}'::text[]) AS b
) AS planted;
SELECT count(*) FROM (
    SELECT plant_functions(a, a) FROM unnest('{uuid,text,varchar,name,"char",numeric,bigint,integer,smallint,boolean,timestamptz,interval,jsonb,oid,regclass,float8,text[]}'::text[]) AS a
    UNION ALL
    SELECT plant_functions(a || ',' || b, a)
    FROM unnest('{uuid,text,numeric,bigint,integer,timestamptz,jsonb}'::text[]) AS a, unnest('{uuid,text,numeric,bigint,integer,timestamptz,jsonb}'::text[]) AS b
) AS planted;


ALTER EXTENSION wallet UPDATE;
SELECT * FROM bound ORDER BY object, uses;
SELECT wallet_fund(wallet_create('alice'), 5) IS NOT NULL AS funded;
SELECT * FROM wallet_check();
SELECT count(*) FROM wallet_health();
DROP EXTENSION wallet;

CREATE EXTENSION wallet;
SELECT * FROM bound ORDER BY object, uses;
SELECT wallet_fund(wallet_create('alice'), 5) IS NOT NULL AS funded;
SELECT * FROM wallet_check();
SELECT count(*) FROM wallet_health();
DROP EXTENSION wallet;
