/**
 * How the judge reads what people wrote in the old CRM, in SQL and by itself: it takes what the generator and the users write, nothing else. What it
 * cannot read is `!`, what says nothing is null.
 */
export const READINGS = `
  CREATE SCHEMA judge;

  CREATE FUNCTION judge.bare(t text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT btrim(t, E' \\t\\r\\n\\u00a0\\u200b') $$;

  CREATE FUNCTION judge.decoded(t text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(t,
      '&uuml;', 'ü'), '&Ouml;', 'Ö'), '&oslash;', 'ø'), '&Oslash;', 'Ø'), '&aring;', 'å'), '&eacute;', 'é'), '&oacute;', 'ó'), '&iacute;', 'í'),
      '&ocirc;', 'ô'), '&nbsp;', E'\\u00a0'), '&#39;', ''''), '&quot;', '"'), '&lt;', '<'), '&gt;', '>'), '&amp;', '&') $$;

  CREATE FUNCTION judge.words(t text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT nullif(judge.bare(CASE WHEN position('&' IN t) = 0 THEN t ELSE judge.decoded(judge.decoded(judge.decoded(t))) END), '') $$;

  CREATE FUNCTION judge.phone(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
  DECLARE n text := replace(judge.bare(t), '(0)', '');
  BEGIN
    IF n = '' OR n IS NULL THEN RETURN NULL; END IF;
    IF position('x' IN n) > 0 THEN n := regexp_replace(n, '\\s*(x|ext\\.)\\s*\\d+$', ''); END IF;
    n := translate(n, '-() ./', '');
    n := CASE WHEN n LIKE '+%' THEN n WHEN n LIKE '00%' THEN '+' || substr(n, 3) WHEN n LIKE '0%' THEN '+49' || substr(n, 2) ELSE n END;
    RETURN CASE WHEN n ~ '^\\+(49(3023125|6990009|4066969|8999998|2214710)\\d{3}|4917139200\\d\\d|442079460\\d{3}|1(212|213|305|312|415|617)55501\\d\\d)$' THEN n ELSE '!' END;
  END $$;

  CREATE FUNCTION judge.country(t text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE lower(judge.bare(t))
      WHEN '' THEN NULL
      WHEN 'germany' THEN 'DE' WHEN 'de' THEN 'DE' WHEN 'deutschland' THEN 'DE' WHEN 'brd' THEN 'DE'
      WHEN 'u.s.a.' THEN 'US' WHEN 'usa' THEN 'US' WHEN 'united states' THEN 'US' WHEN 'us' THEN 'US'
      WHEN 'uk' THEN 'GB' WHEN 'great britain' THEN 'GB' WHEN 'england' THEN 'GB'
      WHEN 'oesterreich' THEN 'AT' WHEN 'österreich' THEN 'AT' WHEN 'austria' THEN 'AT' WHEN 'aut' THEN 'AT'
      WHEN 'suisse' THEN 'CH' WHEN 'schweiz' THEN 'CH' WHEN 'france' THEN 'FR' WHEN 'frankreich' THEN 'FR'
      WHEN 'españa' THEN 'ES' WHEN 'espana' THEN 'ES' WHEN 'italia' THEN 'IT' WHEN 'it' THEN 'IT' WHEN 'polska' THEN 'PL'
      WHEN 'holland' THEN 'NL' WHEN 'the netherlands' THEN 'NL' WHEN 'niederlande' THEN 'NL' WHEN 'danmark' THEN 'DK'
      ELSE CASE WHEN t IS NOT NULL THEN '!' END END $$;

  CREATE FUNCTION judge.email(t text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN judge.bare(t) = '' THEN NULL
      WHEN judge.bare(t) ~* '^[a-z0-9._+-]+@[a-z0-9.-]+\\.[a-z]{2,}$' THEN lower(judge.bare(t)) ELSE CASE WHEN t IS NOT NULL THEN '!' END END $$;

  CREATE FUNCTION judge.exists_day(y integer, m integer, d integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    $$ SELECT m BETWEEN 1 AND 12 AND d BETWEEN 1 AND (ARRAY[31, CASE WHEN y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0) THEN 29 ELSE 28 END,
      31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[m] $$;

  CREATE FUNCTION judge.iso(y text, m text, d text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN judge.exists_day(y::integer, m::integer, d::integer) THEN y || '-' || lpad(m, 2, '0') || '-' || lpad(d, 2, '0') ELSE '!' END $$;

  CREATE FUNCTION judge.day(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
  DECLARE bare text := judge.bare(t);
  BEGIN
    RETURN CASE
      WHEN bare IN ('', '0000-00-00') OR bare IS NULL THEN NULL
      WHEN bare LIKE '____-__-__' AND translate(bare, '0123456789', '') = '--' THEN judge.iso(left(bare, 4), substr(bare, 6, 2), right(bare, 2))
      WHEN bare LIKE '__.__.____' AND translate(bare, '0123456789', '') = '..' THEN judge.iso(right(bare, 4), substr(bare, 4, 2), left(bare, 2))
      WHEN bare LIKE '__/__/____' AND translate(bare, '0123456789', '') = '//' THEN judge.iso(right(bare, 4), left(bare, 2), substr(bare, 4, 2))
      ELSE '!' END;
  END $$;

  -- As PostgreSQL prints a timestamptz in UTC; what was written is the time in Berlin.
  CREATE FUNCTION judge.moment(t text) RETURNS text STABLE LANGUAGE plpgsql AS $$
  DECLARE
    bare text := judge.bare(t);
    p text[];
    day text;
  BEGIN
    IF bare = '' OR bare IS NULL THEN RETURN NULL; END IF;
    p := regexp_match(bare, '^(\\d{4})-(\\d\\d)-(\\d\\d) (\\d\\d):(\\d\\d):(\\d\\d)$');
    IF p IS NOT NULL THEN
      day := judge.iso(p[1], p[2], p[3]);
    ELSE
      p := regexp_match(bare, '^(\\d\\d)\\.(\\d\\d)\\.(\\d{4}) (\\d\\d):(\\d\\d)$');
      IF p IS NOT NULL THEN
        day := judge.iso(p[3], p[2], p[1]);
        p := p || '00'::text;
      ELSE
        p := regexp_match(bare, '^(\\d{1,2})/(\\d{1,2})/(\\d{4}) (\\d{1,2}):(\\d\\d) (AM|PM)$');
        IF p IS NULL THEN RETURN '!'; END IF;
        day := judge.iso(p[3], p[1], p[2]);
        p[4] := (p[4]::integer % 12 + CASE p[6] WHEN 'PM' THEN 12 ELSE 0 END)::text;
        p[6] := '00';
      END IF;
    END IF;
    IF day = '!' OR p[4]::integer > 23 OR p[5]::integer > 59 OR p[6]::integer > 59 THEN RETURN '!'; END IF;
    RETURN timezone('UTC', timezone('Europe/Berlin', (day || ' ' || p[4] || ':' || p[5] || ':' || p[6])::timestamp))::text || '+00';
  END $$;

  -- Spellings without regard to case and to how many spaces stand between words.
  CREATE FUNCTION judge.word(t text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT upper(regexp_replace(judge.bare(t), '\\s+', ' ', 'g')) $$;

  CREATE FUNCTION judge.flag(t text) RETURNS text IMMUTABLE LANGUAGE sql AS
    $$ SELECT CASE lower(judge.bare(t)) WHEN '' THEN NULL WHEN 'y' THEN 't' WHEN '1' THEN 't' WHEN 'on' THEN 't'
      WHEN 'n' THEN 'f' WHEN 'no' THEN 'f' WHEN '0' THEN 'f' ELSE CASE WHEN t IS NOT NULL THEN '!' END END $$;

  -- What is said of a column of a row that is written.
  CREATE FUNCTION judge.note(reason text, of text, rule text, severity text) RETURNS jsonb STABLE LANGUAGE sql AS
    $$ SELECT jsonb_build_object('reason', reason || ': ' || rule, 'column', of, 'rule', rule, 'severity', severity) $$;

  -- A problem of a column, where there is one.
  CREATE FUNCTION judge.problem(is_one boolean, reason text, of text) RETURNS jsonb STABLE LANGUAGE sql AS
    $$ SELECT CASE WHEN is_one THEN jsonb_build_object('reason', reason, 'column', of) END $$;
`;
