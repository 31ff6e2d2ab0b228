import { languagesOf } from './languages.js';

const SENTENCES = {
  en: [
    'Called her about the offer, she will send us a list of the machines that they have',
    'The customer is not happy with the delivery and wants to talk to the manager',
  ],
  de: [
    'Herr Meier hat angerufen, er möchte das Angebot für die neue Anlage bis Freitag',
    'Der Kunde ist mit der Lieferung nicht zufrieden und will einen Rückruf',
  ],
  fr: [
    'Le client a demandé une offre pour les nouvelles machines avec la livraison',
    'Il ne faut pas appeler avant midi, elle est dans une réunion avec le directeur',
  ],
  es: [
    'El cliente pide una oferta para las máquinas nuevas, pero no tiene prisa',
    'Hay que llamar a la oficina de Madrid y hablar con el director sobre los precios',
  ],
  it: [
    'Il cliente ha chiesto una offerta per le macchine nuove, ma non è sicuro',
    'Da richiamare dopo le ferie, il direttore non era in ufficio e la segretaria non sa quando torna',
  ],
  pt: [
    'O cliente pediu uma proposta para as máquinas novas, mas não tem pressa',
    'Ligar para o escritório do Porto e falar com a diretora sobre os preços',
  ],
  nl: [
    'De klant is niet tevreden met de levering en wil een gesprek met de directeur',
    'Hij heeft gebeld over het aanbod voor de nieuwe machines, maar er is geen haast bij',
  ],
  pl: [
    'Klient nie jest zadowolony z dostawy i prosi o kontakt, ale tylko po południu',
    'Trzeba zadzwonić do biura w Krakowie, czy oferta na maszyny jest już gotowa',
  ],
  ru: [
    'Клиент не доволен поставкой и просит перезвонить, но только после обеда',
    'Надо узнать, как у них дела, и отправить предложение на новые машины до пятницы',
  ],
  sv: [
    'Kunden är inte nöjd med leveransen och vill att vi ringer, men han har inte bråttom',
    'Hon ville ha en offert på de nya maskinerna för att kunna beställa efter semestern',
  ],
  da: [
    'Kunden er ikke tilfreds med leveringen og vil have at vi ringer, men han har ikke travlt',
    'Hun ville have et tilbud på de nye maskiner for at kunne bestille efter ferien',
  ],
  tr: [
    'Müşteri teslimat ile ilgili bir şikayet için aradı ve yeni bir teklif istiyor',
    'Bu hafta çok yoğun, ancak yeni makineler için daha sonra aramak gerek',
  ],
} as const;

const texts = (count: number, text: string): { value: string; rows: number }[] =>
  Array.from({ length: count }, (_, index) => ({ value: `${String(index)}: ${text}`, rows: 1 }));

describe('the languages of texts', () => {
  it.each(Object.entries(SENTENCES).flatMap(([language, sentences]) => sentences.map((text) => [language, text] as const)))(
    '%s: %s',
    (language, text) => {
      expect(languagesOf(texts(20, text))).toEqual({ texts: 20, of: { [language]: 20 } });
    },
  );

  it('are told by how many texts are of each, without those that nobody can tell and those that are too short', () => {
    const unknown = 'lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod';
    const values = [...texts(71, SENTENCES.de[0]), ...texts(20, SENTENCES.en[0]), ...texts(9, unknown), ...texts(40, 'Rückruf')];
    expect(languagesOf(values)).toEqual({ texts: 100, of: { de: 71, en: 20 } });
  });

  it('are not told of few texts, of short ones, or where most cannot be told', () => {
    expect(languagesOf(texts(19, SENTENCES.en[0]))).toBeNull();
    expect(languagesOf([...texts(30, SENTENCES.en[0]), ...texts(31, 'Follow up')])).toBeNull();
    expect(languagesOf([...texts(30, SENTENCES.en[0]), ...texts(61, 'Siemens Bosch Daimler Lufthansa Henkel')])).toBeNull();
    // As much German as Dutch, and letters that are no words.
    expect(languagesOf(texts(30, 'und het Angebot aanbieding'))).toBeNull();
    expect(languagesOf(texts(30, 'Siemens, a o e i w z, Daimler Lufthansa Henkel'))).toBeNull();
    expect(languagesOf([])).toBeNull();
  });

  it('are those of a sample that is no larger than it must be, and evenly spread', () => {
    const told = languagesOf([...texts(5_000, SENTENCES.de[0]), ...texts(5_000, SENTENCES.fr[0])]);
    expect(told).toEqual({ texts: 500, of: { de: 250, fr: 250 } });
  });
});
