\echo Use "ALTER EXTENSION wallet UPDATE" to load this file. \quit

