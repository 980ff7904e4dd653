//! What cards, terminals and holders sign, or somebody in their place.
use protocol::{
    prepaid::{domain, CardNumber, CardPayment, SignedPayment, MAX_PAYMENTS},
    signing::Domain,
    Member, Signature,
};

use super::{
    calls::{Brought, Call},
    scene::Scene,
    steps::{Consent, Count, Draft, Size, CARDS, CHIPS, SHOPS},
};
use crate::{
    contract_chain::GENESIS,
    institutions::{account, key, sign},
};

/// Has no part in anything.
const FORGER: Member = Member(99);

impl Scene<'_> {
    pub fn batch(&mut self, drafts: &[Draft], size: Size) -> Call {
        let drawn: Vec<_> = drafts.iter().map(|draft| self.brought(draft)).collect();
        Call::PayBatch(match (size, drawn.first()) {
            (Size::AsDrawn, _) | (_, None) => drawn,
            (Size::None, _) => Vec::new(),
            (Size::TooMany, Some(first)) => vec![*first; MAX_PAYMENTS + 1],
        })
    }

    fn brought(&mut self, draft: &Draft) -> Brought {
        let (card, shop, wanted, amount, least, count, expires_in, consents) = match draft {
            Draft::Again(back) => {
                let place = self.brought.len().checked_sub(1 + back);
                match place.and_then(|place| self.brought.get(place)) {
                    Some(earlier) => return *earlier,
                    None => return self.nobodys(),
                }
            }
            Draft::New {
                card,
                shop,
                terminal,
                amount,
                least,
                count,
                expires_in,
                consents,
            } => (card, shop, terminal, amount, least, count, expires_in, consents),
        };
        let terminal = self.terminal(*wanted, *shop);
        let payment = CardPayment {
            card: CARDS[*card],
            counter: self.counter(CARDS[*card], *count),
            merchant: *shop,
            terminal: account(terminal),
            amount: *amount,
            least: least.of(*amount),
            expires_at: self.now.saturating_add_signed(*expires_in),
        };
        self.signed(payment, terminal, *consents)
    }

    /// Where nothing was brought before: of a card and a terminal that nobody has.
    fn nobodys(&self) -> Brought {
        let payment = CardPayment {
            card: CARDS[0],
            counter: 0,
            merchant: SHOPS[0],
            terminal: account(FORGER),
            amount: 1,
            least: 1,
            expires_at: u64::MAX,
        };
        self.signed(payment, FORGER, [Consent::Given; 2])
    }

    fn signed(&self, payment: CardPayment, terminal: Member, [of_card, of_terminal]: [Consent; 2]) -> Brought {
        let held = self.ledger.cards.get(&payment.card).map(|plastic| plastic.key);
        let place = CHIPS
            .into_iter()
            .position(|chip| Some(account(chip)) == held)
            .unwrap_or(0);
        // A forger of cards has another card: the one that was replaced, perhaps.
        let chip = match of_card {
            Consent::Forged => CHIPS[(place + 1) % CHIPS.len()],
            _ => CHIPS[place],
        };
        let other = CardPayment {
            amount: payment.amount ^ 1,
            ..payment
        };
        let here = self.cards.domain();
        let elsewhere = domain(GENESIS, self.cards.registry);
        let under = |consent, by: Member| match consent {
            Consent::Given | Consent::Forged => sign(&key(by), &payment.payload(&here)),
            Consent::ForAnother => sign(&key(by), &other.payload(&here)),
            Consent::InAnotherContract => sign(&key(by), &payment.payload(&elsewhere)),
        };
        let is_forged = of_terminal == Consent::Forged;
        let signed = SignedPayment {
            payment,
            card: under(of_card, chip),
            terminal: under(of_terminal, if is_forged { FORGER } else { terminal }),
        };
        let is_under_this = matches!(of_card, Consent::Given | Consent::Forged);
        Brought {
            signed,
            chip: is_under_this.then(|| account(chip)),
            is_terminals: of_terminal == Consent::Given,
        }
    }

    fn counter(&mut self, card: CardNumber, count: Count) -> u64 {
        let highest = self.counts.highest.entry(card).or_default();
        let skipped = &mut self.counts.skipped;
        let place = skipped.iter().position(|(whose, _)| *whose == card);
        match (count, place) {
            (Count::Used, _) => *highest,
            (Count::Skipped, Some(place)) => skipped.swap_remove(place).1,
            (Count::Next | Count::Skipped, _) => {
                *highest += 1;
                *highest
            }
            (Count::Skip, _) => {
                skipped.push((card, *highest + 1));
                *highest += 2;
                *highest
            }
        }
    }

    /// Somebody's signature under the first of the payloads, or not quite.
    pub fn signature<P: AsRef<[u8]>>(
        &self,
        consent: Consent,
        by: Member,
        [payload, other]: [impl Fn(&Domain) -> P; 2],
    ) -> (Signature, bool) {
        let here = self.cards.domain();
        let elsewhere = domain(GENESIS, self.cards.registry);
        let signature = match consent {
            Consent::Given => sign(&key(by), payload(&here).as_ref()),
            Consent::ForAnother => sign(&key(by), other(&here).as_ref()),
            Consent::InAnotherContract => sign(&key(by), payload(&elsewhere).as_ref()),
            Consent::Forged => sign(&key(FORGER), payload(&here).as_ref()),
        };
        (signature, consent == Consent::Given)
    }
}
