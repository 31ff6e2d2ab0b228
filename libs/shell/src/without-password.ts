import { isPostgresUrl } from './settings/postgres-url.js';

const HIDDEN = '***';
const SECRET_PARAMETERS = ['password', 'sslpassword', 'passfile'];

/** The only form in which a URL may be shown. What cannot be read as a URL is not shown at all. */
export function withoutPassword(url: string): string {
  if (!isPostgresUrl(url)) return '(not a URL)';
  const shown = new URL(url);
  if (shown.password !== '') shown.password = HIDDEN;
  for (const name of SECRET_PARAMETERS) if (shown.searchParams.has(name)) shown.searchParams.set(name, HIDDEN);
  return shown.href;
}
