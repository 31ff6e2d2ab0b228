import fc from 'fast-check';

import { mojibake } from './mojibake.js';

const repair = mojibake.make(undefined);
const WINDOWS = Array.from('€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ');
const asLatin = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const asWindows = (text: string): string => asLatin(text).replace(/[\x80-\x9f]/gu, (byte) => WINDOWS[byte.charCodeAt(0) - 0x80] ?? '');

/** As people write, of languages with many accents; none of it is mojibake. */
const RIGHT = [
  'Müller & Söhne GmbH, Österreich',
  '“IRMÃ” disse a MÃE',
  '«Â» et «À»',
  'Ça va ? Où êtes-vous, là-bas à « Orléans »\u00a0?',
  'Łódź, Kraków – Michał Wiśniewski',
  'Ångström, Malmö, Århus…',
  'São Paulo: coração, MANHÃ…, AMANHÃ–TARDE',
  'Đặng Thị Ngọc Thịnh, Hồ Chí Minh',
  'Привет, мир! Київ',
  '株式会社日立製作所 €100 £5 ®',
  'İstanbul Ğ ğ Ş ş',
  '5 °C ± 1 µm, 2×3, ½ – “quoted” ‘words’ … ™ ©',
  'ROMÂNIA „ÎN” ROMÂ»',
];

test.each(RIGHT)('leaves %s', (text) => {
  expect(repair(text)).toBe(text);
});

test.each([
  'Müller & Söhne, Österreich',
  'It’s “quoted” – 5 €',
  'Ça va à Orléans',
  'MichaŁ Wiśniewski z Łodzi',
  'Привет, мир',
  '株式会社',
  'grüße 😀',
  'Michał',
  'São Paulo',
])('repairs %s, also twice', (text) => {
  for (const readWrong of [asLatin, asWindows]) {
    expect([repair(readWrong(text)), repair(readWrong(readWrong(text)))]).toEqual([text, text]);
    expect(readWrong(text)).not.toBe(text);
  }
});

test('what was lost stays lost', () => {
  expect(repair('ï¿½ MÃ¼ller')).toBe('ï¿½ Müller');
});

test('never makes a text longer, and what is repaired stays', () => {
  const unit = fc.constantFrom(...Array.from('aZ Ã¼Â©â€™œ“Ä„Å‚ðŸ˜€ÐŸßé»«\u00a0\u0081\u009d'));
  let repairs = 0;
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), (text) => {
      const once = repair(text);
      if (typeof once !== 'string') return;
      if (once !== text) repairs += 1;
      expect(once.length).toBeLessThanOrEqual(text.length);
      expect(repair(once)).toBe(once);
    }),
    { numRuns: 5000 },
  );
  expect(repairs).toBeGreaterThan(400);
});
