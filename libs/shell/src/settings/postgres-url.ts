/** What is said of a text that is none. It never holds the text. */
export const POSTGRES_URL_FORM =
  'must be of the form postgresql://user:password@host:port/database; in user and password encode special characters: ' +
  '@ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25';

/** The only @ ends a user-info without / ? #. Else a part of a password could be taken for host, path or query, and be shown as such. */
const ONE_READING = /^postgres(ql)?:\/\/([^@/?#]*@)?[^@#]*$/i;

/** Whether the text is a URL that everybody takes apart in the same way. */
export function isPostgresUrl(text: string): boolean {
  return ONE_READING.test(text) && URL.canParse(text) && isPercentEncoded(text);
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
