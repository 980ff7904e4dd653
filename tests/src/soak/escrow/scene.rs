//! From a step to a call: what it means for the deals there are.
use std::{collections::BTreeMap, sync::LazyLock};

use protocol::{
    escrow::{Deadlines, Deal, Secret, Terms},
    AccountId, AgreementId, DealId, Hashlock, Member, Signature,
};
use sp_core::Pair as _;

use super::{
    calls::{Call, Sent},
    steps::{Act, By, Consent, Draft, Guess, Money, Step},
};
use crate::{
    institutions::{account, key},
    market::{native_part, secret, Market, MEMBERS, POOR, STRANGER},
};

/// Has no part in any deal.
const FORGER: Member = Member(99);

/// What every deal's buyer knows, by hashlock.
static SECRETS: LazyLock<BTreeMap<Hashlock, Secret>> = LazyLock::new(|| {
    (0..=u8::MAX)
        .map(secret)
        .map(|secret| (secret.hashlock(), secret))
        .collect()
});

/// When and of which deal a step is taken.
pub struct Scene<'a> {
    pub market: &'a Market,
    pub now: u64,
    pub id: DealId,
    pub deal: Option<&'a Deal>,
}

impl Scene<'_> {
    pub fn sent(&self, step: &Step) -> Sent {
        let call = self.call(&step.act);
        let due = self.due(&call);
        Sent {
            by: self.caller(step, &call),
            call,
            value: match step.money {
                Money::Due => due,
                Money::More => due.saturating_add(1),
                Money::Less => due.saturating_sub(1),
            },
            now: self.now,
        }
    }

    fn call(&self, act: &Act) -> Call {
        let id = self.id;
        match act {
            Act::Lock(draft) => Call::Lock(self.terms(draft)),
            Act::Accept => Call::Accept(id),
            Act::Reveal(guess) => Call::Reveal(id, self.secret(*guess)),
            Act::Claim(guess) => Call::Claim(id, self.secret(*guess)),
            Act::Refund => Call::Refund(id),
            Act::Cancel {
                expires_in,
                buyer,
                seller,
            } => self.cancel(self.now + expires_in, [*buyer, *seller]),
            Act::Dispute(evidence) => Call::Dispute(id, [*evidence; 32]),
            Act::Rule(part) => {
                let pot = self.deal.and_then(|deal| deal.terms.pot().ok());
                Call::Rule(id, part.of(pot.unwrap_or_default()))
            }
            Act::RuleByDefault => Call::RuleByDefault(id),
            Act::Withdraw(whose, asset) => Call::Withdraw(*whose, self.market.assets()[*asset]),
        }
    }

    fn terms(&self, draft: &Draft) -> Terms {
        let mut end = self.now;
        let [accept_by, reveal_by, dispute_by, ruling_by] = draft.phases.map(|length| {
            end = end.saturating_add_signed(length);
            end
        });
        let bond = draft.bond.of(draft.price);
        let seller_bond = draft.seller_bond.of(draft.price);
        let pot = draft.price.saturating_add(bond).saturating_add(seller_bond);
        Terms {
            agreement: AgreementId([draft.agreement; 32]),
            seller: account(draft.seller),
            buyer_key: key(draft.buyer).public().0,
            seller_key: key(draft.seller).public().0,
            arbiter: account(draft.arbiter),
            asset: self.market.assets()[draft.asset],
            price: draft.price,
            bond,
            seller_bond,
            default_award: draft.default_award.of(pot),
            deadlines: Deadlines {
                accept_by,
                reveal_by,
                dispute_by,
                ruling_by,
            },
            hashlock: secret(draft.secret).hashlock(),
        }
    }

    fn secret(&self, guess: Guess) -> Secret {
        match (guess, self.deal) {
            (Guess::Right, Some(deal)) => SECRETS[&deal.terms.hashlock],
            (Guess::Right, None) => secret(0),
            (Guess::Other(number), _) => secret(number),
        }
    }

    fn cancel(&self, expires_at: u64, consents: [Consent; 2]) -> Call {
        let sign = |consent, party: fn(&Deal) -> AccountId| {
            let party = self.deal.map_or(STRANGER, |deal| member(party(deal)));
            self.signature(consent, party, expires_at)
        };
        Call::Cancel {
            id: self.id,
            expires_at,
            buyer: sign(consents[0], |deal| deal.buyer),
            seller: sign(consents[1], |deal| deal.terms.seller),
            both_agree: consents == [Consent::Given; 2],
        }
    }

    fn signature(&self, consent: Consent, party: Member, expires_at: u64) -> Signature {
        match consent {
            Consent::Given => self.market.consent(party, self.id, expires_at),
            Consent::ForAnotherTime => self.market.consent(party, self.id, expires_at + 1),
            Consent::ForAnotherDeal => self.market.consent(party, DealId([1; 32]), expires_at),
            Consent::Forged => self.market.consent(FORGER, self.id, expires_at),
        }
    }

    fn caller(&self, step: &Step, call: &Call) -> Member {
        let caller = match (&step.act, step.by, self.deal) {
            // Who locks is the buyer, and the terms are made for it.
            (Act::Lock(draft), _, _) => draft.buyer,
            (_, By::Anyone(member), _) => member,
            (_, By::Expected, Some(deal)) => expected_caller(call, deal),
            (_, By::Expected, None) => STRANGER,
        };
        // The poor member couldn't pay for what the other messages store.
        if caller == POOR && !matches!(call, Call::Accept(_)) {
            STRANGER
        } else {
            caller
        }
    }

    /// The native tokens that the call must bring.
    fn due(&self, call: &Call) -> u128 {
        match (call, self.deal) {
            (Call::Lock(terms), _) => native_part(terms.asset, terms.price.saturating_add(terms.bond)),
            (Call::Accept(_), Some(deal)) => native_part(deal.terms.asset, deal.terms.seller_bond),
            _ => 0,
        }
    }
}

fn expected_caller(call: &Call, deal: &Deal) -> Member {
    match call {
        Call::Accept(_) => member(deal.terms.seller),
        Call::Dispute(..) if deal.buyer_evidence.is_none() => member(deal.buyer),
        Call::Dispute(..) => member(deal.terms.seller),
        Call::Rule(..) => member(deal.terms.arbiter),
        _ => STRANGER,
    }
}

/// Whose account it is.
pub fn member(of: AccountId) -> Member {
    MEMBERS.into_iter().find(|member| account(*member) == of).unwrap()
}
