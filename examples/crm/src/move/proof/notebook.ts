/**
 * The one thing that the old CRM does not say at the end: what a lead was before somebody's slip made it unreadable. The new CRM keeps that version, so
 * the judge writes it down when it happens, by a trigger on the old CRM's own table. A lead that was not at the target (it waited, or was thrown
 * away) leaves nothing to keep.
 */
export const NOTEBOOK = `
  CREATE TABLE judge.kept_leads (
    id text PRIMARY KEY, owner_id integer, name text, company text, email text, phone text, country text, status text, created_at timestamptz
  );

  CREATE FUNCTION judge.read_lead(l public.leads) RETURNS TABLE (
    id text, owner_id integer, name text, company text, email text, phone text, country text, status text, created_at timestamptz
  ) STABLE LANGUAGE sql AS $$
    SELECT l.id, l.assigned_user_id, judge.words(concat_ws(' ', judge.words(l.first_name), judge.words(l.last_name))), judge.words(l.account_name),
      nullif(judge.email(l.email), '!'), judge.phone(l.phone), nullif(judge.country(l.country), '!'),
      CASE judge.word(l.status) WHEN 'NEW' THEN 'new' WHEN 'ASSIGNED' THEN 'new' WHEN 'IN PROCESS' THEN 'working' WHEN 'QUALIFIED' THEN 'qualified'
        WHEN 'DEAD' THEN 'lost' ELSE CASE WHEN l.status IS NOT NULL THEN '!' END END,
      l.date_entered AT TIME ZONE 'Europe/Berlin'
  $$;

  -- gone, bad, waiting or there
  CREATE FUNCTION judge.state_of_lead(l public.leads) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT CASE
      WHEN l.deleted <> 0 OR l.converted IS NOT DISTINCT FROM 'Y' THEN 'gone'
      WHEN r.phone = '!' OR r.status = '!' OR r.status IS NULL OR r.name IS NULL OR r.owner_id IS NULL THEN 'bad'
      WHEN EXISTS (SELECT FROM public.users u WHERE u.id = r.owner_id) THEN 'there'
      ELSE 'waiting' END
    FROM judge.read_lead(l) AS r
  $$;

  CREATE FUNCTION judge.note_lead() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' OR OLD.id <> NEW.id OR judge.state_of_lead(NEW) <> 'bad' THEN
      DELETE FROM judge.kept_leads WHERE id = OLD.id;
    ELSIF judge.state_of_lead(OLD) = 'there' THEN
      INSERT INTO judge.kept_leads SELECT * FROM judge.read_lead(OLD);
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER note_lead AFTER UPDATE OR DELETE ON public.leads FOR EACH ROW EXECUTE FUNCTION judge.note_lead();
`;
