/**
 * What the old CRM's rows are made with: functions of a salt and a row's number, the same in each run with the same seed. They live in the session's
 * temporary schema and are gone with it. `bad` is how many rows of a thousand get what nobody can read.
 *
 * Each is one expression, with salts and choices that are constants where it is called: so PostgreSQL puts it in the place of the call. Called as
 * functions they take ten times as long.
 *
 * Telephone numbers are those that are kept for films and examples.
 */
export function diceFunctions(seed: number): string {
  return `
    CREATE FUNCTION pg_temp.dice(salt text, n bigint, sides integer) RETURNS integer IMMUTABLE LANGUAGE sql AS
      $$ SELECT (abs(hashint8extended(n, hashtextextended(salt, ${String(seed)})) % sides))::integer $$;

    CREATE FUNCTION pg_temp.pick(salt text, n bigint, choices text[]) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT choices[1 + pg_temp.dice(salt, n, cardinality(choices))] $$;

    CREATE FUNCTION pg_temp.digits(salt text, n bigint, length integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT lpad(pg_temp.dice(salt || ' digits', n, (10 ^ length)::integer)::text, length, '0') $$;

    CREATE FUNCTION pg_temp.uuid(salt text, n bigint) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT md5('${String(seed)} ' || salt || n)::uuid::text $$;

    -- One of seven came with an import, all at the same second.
    CREATE FUNCTION pg_temp.entered(salt text, n bigint) RETURNS timestamp(0) STABLE LANGUAGE sql AS
      $$ SELECT CASE WHEN pg_temp.dice(salt || ' imported', n, 7) = 0 THEN '2012-03-01 00:00:00'
           ELSE timestamp '2009-01-01' + pg_temp.dice(salt || ' entered', n, 500000000) * interval '1 second' END $$;

    CREATE FUNCTION pg_temp.deleted(salt text, n bigint, percent integer) RETURNS smallint IMMUTABLE LANGUAGE sql AS
      $$ SELECT CASE WHEN pg_temp.dice(salt || ' deleted', n, 100) < percent THEN 1 ELSE 0 END::smallint $$;

    CREATE FUNCTION pg_temp.flag(salt text, n bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE WHEN pg_temp.dice(salt || ' bad', n, 1000) < bad THEN 'maybe'
           ELSE pg_temp.pick(salt, n, '{N,N,N,N,N,Y,n,y,0,1,no,on,""}') END $$;

    CREATE FUNCTION pg_temp.first_name(n bigint) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT pg_temp.pick('first name', n, '{Ana,Bj&oslash;rn,Chlo&eacute;,Dmitri,"  Erik",Fatima,Giovanni,Hana,J&oacute;zef,Kwame,"Marie-Claire ",Nils,Oksana,Priya,Ren&eacute;e,Sven,Tom,伊藤,NULL}') $$;

    CREATE FUNCTION pg_temp.last_name(n bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE WHEN pg_temp.dice('last name bad', n, 1000) < bad THEN pg_temp.pick('blank', n, ARRAY['', ' ', '&nbsp;', NULL])
           ELSE pg_temp.pick('last name', n, ARRAY['O&#39;Brien', 'M&uuml;ller', 'van der Berg', 'Smith', 'de la Cruz', '&Oslash;sterg&aring;rd',
             '山田', 'Al-Sayed', E'Kowalska\\u00a0', ' Novak', 'M&amp;uuml;ller', 'Garc&iacute;a', E'\\u200bLindqvist', 'Schmidt', 'Rossi', 'Weiß']) END $$;

    CREATE FUNCTION pg_temp.company(salt text, n bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE WHEN pg_temp.dice(salt || ' bad', n, 1000) < bad THEN ' '
           ELSE pg_temp.pick(salt || ' who', n, '{Alpine,Baltic,M&uuml;ller,Smith,&Ouml;stlund,"  North Sea",Kowalski,Rh&ocirc;ne}') || ' ' ||
             pg_temp.pick(salt || ' what', n, '{"&amp; Sons",Foods,Logistics,"&quot;Best&quot; Tools",Textiles,"Travel &amp;amp; Events"}') || ' ' ||
             n || pg_temp.pick(salt || ' form', n, '{" GmbH"," Ltd"," S.A."," AB","","\\t"}') END $$;

    CREATE FUNCTION pg_temp.phone(salt text, n bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE
           WHEN pg_temp.dice(salt || ' bad', n, 1000) < bad THEN pg_temp.pick(salt, n, '{n/a,"call office",12,"ask Mary",?,030,"+44 7700 900123"}')
           WHEN pg_temp.dice(salt || ' none', n, 100) < 18 THEN pg_temp.pick(salt, n, ARRAY['', ' ', NULL])
           ELSE CASE pg_temp.dice(salt || ' place', n, 8)
             WHEN 0 THEN pg_temp.pick(salt || ' how', n, '{"+1 (212) ","+1 213.","001 305-","+1 (312) ","+1 415 ","+1617"}') || '555-01' || pg_temp.digits(salt, n, 2) ||
               pg_temp.pick(salt || ' extension', n, '{"","",""," x12"," ext. 7"}')
             WHEN 1 THEN pg_temp.pick(salt || ' how', n, '{"+44 20","+44 (0)20","0044 20"}') || ' 7946 0' || pg_temp.digits(salt, n, 3)
             WHEN 2 THEN pg_temp.pick(salt || ' how', n, '{"0171 ","+49 171 ","0171/"}') || '39200' || pg_temp.digits(salt, n, 2)
             ELSE pg_temp.pick(salt || ' how', n, '{"0","+49 (0)","0049 ","+49","+49 "}') ||
               pg_temp.pick(salt || ' city', n, '{"30 23125","30/23125-","69 90009 ","40/66969","89 - 99998 ","221.4710","221-4710-"}') || pg_temp.digits(salt, n, 3)
           END END $$;

    CREATE FUNCTION pg_temp.country(salt text, n bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE WHEN pg_temp.dice(salt || ' bad', n, 1000) < bad THEN pg_temp.pick(salt, n, '{Atlantis,n/a,???,Europe}')
           ELSE pg_temp.pick(salt, n, '{Germany,DE,Deutschland," germany ",BRD,GERMANY,U.S.A.,USA,"United States",us,UK,"Great Britain",England,Oesterreich,"Österreich",
             Austria,AUT,Suisse,Schweiz,France,Frankreich,"España",Espana,Italia,IT,Polska,Holland,"The Netherlands",Niederlande,Danmark,"",NULL}') END $$;

    CREATE FUNCTION pg_temp.day(salt text, n bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE
           WHEN pg_temp.dice(salt || ' bad', n, 1000) < bad THEN pg_temp.pick(salt, n, '{31.02.1980,soon,2001-13-01,1.1.99,02/30/2011}')
           WHEN pg_temp.dice(salt || ' none', n, 100) < 20 THEN pg_temp.pick(salt, n, ARRAY['', NULL, '0000-00-00'])
           ELSE to_char(date '1950-01-01' + pg_temp.dice(salt || ' day', n, 27000), pg_temp.pick(salt || ' how', n, '{YYYY-MM-DD,YYYY-MM-DD,DD.MM.YYYY,MM/DD/YYYY}')) END $$;

    CREATE FUNCTION pg_temp.moment(salt text, n bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE
           WHEN pg_temp.dice(salt || ' bad', n, 1000) < bad THEN pg_temp.pick(salt, n, '{"2019-02-29 10:00:00",tomorrow,"24.12.2019 25:00"}')
           WHEN pg_temp.dice(salt || ' none', n, 100) < 10 THEN pg_temp.pick(salt, n, ARRAY['', NULL])
           -- Hours that clocks leave out, and show twice.
           WHEN pg_temp.dice(salt || ' clock', n, 500) = 0 THEN pg_temp.pick(salt, n, '{"2019-03-31 02:30:00","2019-10-27 02:30:00"}')
           ELSE to_char(timestamp '2015-01-01' + pg_temp.dice(salt || ' second', n, 300000000) * interval '1 second',
             pg_temp.pick(salt || ' how', n, ARRAY['YYYY-MM-DD HH24:MI:SS', 'DD.MM.YYYY HH24:MI', 'FMMM/FMDD/YYYY FMHH12:MI AM'])) END $$;

    -- Some write what another one has already.
    CREATE FUNCTION pg_temp.address_number(n bigint) RETURNS bigint STABLE LANGUAGE sql AS
      $$ SELECT CASE WHEN pg_temp.dice('address shared', n, 40) = 0 THEN 1 + pg_temp.dice('address of', n, n::integer) ELSE n END $$;

    CREATE FUNCTION pg_temp.address(n bigint, number bigint, bad integer) RETURNS text STABLE LANGUAGE sql AS
      $$ SELECT CASE
           WHEN pg_temp.dice('address bad', n, 1000) < bad THEN pg_temp.pick('address', n, '{none,ada@example,info(at)example.com,"a@example.com, b@example.com"}')
           WHEN pg_temp.dice('address blank', n, 200) = 0 THEN ' '
           WHEN pg_temp.dice('address case', n, 5) = 0 THEN upper(${ADDRESS})
           ELSE ${ADDRESS} || pg_temp.pick('behind', n, '{"","",""," ","\\t"}') END $$;
  `;
}

const ADDRESS = `pg_temp.pick('local part', number, '{ada,B.Lovelace,c_m,Dora+CRM,e-e,FAY}') || number || '@' ||
             pg_temp.pick('domain', number, '{example.com,example.org,mail.example.net}')`;
