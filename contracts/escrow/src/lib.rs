//! Escrow: a price under a hashlock, and a bond that the same secret gives back (S2.1 to S2.5).
//!
//! | step | message | who | money |
//! |---|---|---|---|
//! | E1 | `lock` | buyer | price and bond in |
//! | E2 | `accept` | seller | seller's bond in; the buyer's bond is now return money |
//! | E3 | `reveal` | who knows the secret: the buyer, once it has the goods | bond to the buyer |
//! | E4 | `claim` | anyone | price and seller's bond to the seller |
//!
//! A deadline missed leads to `refund`, or to `dispute` and then `rule` or `rule_by_default`. Whoever sends these, the
//! parties stored in the deal are paid, never the caller.
//!
//! Always, per asset: what this contract holds = Σ held by deals that are not final + Σ due. A deal pays out exactly
//! what was paid into it, once; a final state never changes.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
// ink!'s generated dispatch code: exported symbols, unchecked arithmetic on constants
#![allow(unsafe_code, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

/// Escrow: a price under a hashlock, and a bond that the same secret gives back (S2.1 to S2.5). Amounts are in the
/// asset's smallest unit, times in milliseconds since 1970.
#[ink::contract]
mod escrow {
    use calls::token;
    use ink::{prelude::vec::Vec, storage::Mapping};
    use protocol::{
        escrow::{cancellation, Deal, DealState, Error, Secret, Terms, MAX_DEALS},
        settlement::Asset,
        signing::Domain,
        DealId, Hashlock, Signature,
    };

    /// What a message that may refuse returns.
    pub type Result<T> = core::result::Result<T, Error>;

    #[ink(storage)]
    pub struct Escrow {
        /// The chain's genesis hash: part of what parties sign.
        genesis: [u8; 32],
        /// The shortest that a phase of a deal may be, in milliseconds: longer than finality and a party's reaction.
        gap: u64,
        /// Every deal, for good. No entry ever shrinks: the storage deposit would go to whoever happened to send the
        /// transaction.
        deals: Mapping<DealId, Deal>,
        /// Every hashlock that a deal was made under, with the deal.
        hashlocks: Mapping<Hashlock, DealId>,
        /// What could not be paid out when it became due, by whose it is.
        due: Mapping<(AccountId, Asset), Balance>,
    }

    /// A buyer paid price and bond in: there is a new deal (E1).
    #[ink(event)]
    pub struct Locked {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
        /// The buyer's account.
        buyer: AccountId,
        /// The terms that the money is locked under.
        terms: Terms,
    }

    /// A deal's seller accepted and paid its bond in (E2).
    #[ink(event)]
    pub struct Accepted {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
    }

    /// A deal's secret is out, and the buyer has its bond back (E3).
    #[ink(event)]
    pub struct Revealed {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
        /// The secret: its sha256 is the deal's hashlock.
        secret: Secret,
    }

    /// A deal was paid: the seller has the price and its bond, the buyer its bond (E4). Final.
    #[ink(event)]
    pub struct Settled {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
        /// The secret: its sha256 is the deal's hashlock.
        secret: Secret,
    }

    /// A deal missed a deadline: each party has what it paid in. Final.
    #[ink(event)]
    pub struct Refunded {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
    }

    /// A deal was called off by both parties: each has what it paid in. Final.
    #[ink(event)]
    pub struct Cancelled {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
    }

    /// A party to a deal filed its evidence for the arbiter.
    #[ink(event)]
    pub struct Disputed {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
        /// The account of the party that filed it.
        by: AccountId,
        /// Digest of the party's evidence.
        evidence: [u8; 32],
    }

    /// A disputed deal's pot, which is the price and both bonds, was split. Final.
    #[ink(event)]
    pub struct Ruled {
        /// The deal's id.
        #[ink(topic)]
        deal: DealId,
        /// What the seller got, in the smallest unit of the deal's asset.
        to_seller: Balance,
        /// What the buyer got, in the smallest unit of the deal's asset.
        to_buyer: Balance,
        /// Whether the arbiter was silent, and the split is what the parties agreed on for that case.
        by_default: bool,
    }

    /// A payout failed. It waits until someone sends `withdraw`.
    #[ink(event)]
    pub struct Deferred {
        /// The id of the deal that the payout is of.
        #[ink(topic)]
        deal: DealId,
        /// The account that it is due to.
        to: AccountId,
        /// The asset that is due.
        asset: Asset,
        /// How much is due, in the asset's smallest unit.
        amount: Balance,
    }

    /// What waited since a payout failed was paid.
    #[ink(event)]
    pub struct Withdrawn {
        /// The account that was paid.
        #[ink(topic)]
        to: AccountId,
        /// The asset that was paid.
        asset: Asset,
        /// How much was paid, in the asset's smallest unit.
        amount: Balance,
    }

    impl Escrow {
        /// Makes an escrow without deals. `genesis`: the chain's genesis hash; `gap`: the shortest that a phase of a
        /// deal may be, in milliseconds.
        #[ink(constructor)]
        pub fn new(genesis: [u8; 32], gap: u64) -> Self {
            Self {
                genesis,
                gap,
                deals: Mapping::new(),
                hashlocks: Mapping::new(),
                due: Mapping::new(),
            }
        }

        /// E1: the caller, as the buyer, pays in price and bond. Native tokens are sent along; of a token, this
        /// contract must be approved for them. Returns the deal's id.
        ///
        /// # Errors
        /// The first rule that the terms break: parties and amounts, deadlines, used agreement or hashlock, money.
        #[ink(message, payable)]
        pub fn lock(&mut self, terms: Terms) -> Result<DealId> {
            let buyer = self.env().caller();
            terms.check(buyer)?;
            terms.deadlines.check(self.env().block_timestamp(), self.gap)?;
            let id = DealId::of(buyer, terms.agreement);
            if self.deals.contains(id) {
                return Err(Error::DealExists);
            }
            if self.hashlocks.contains(terms.hashlock) {
                return Err(Error::HashlockUsed);
            }

            let (asset, stake) = (terms.asset, terms.buyer_stake()?);
            self.hashlocks.insert(terms.hashlock, &id);
            let deal = Deal {
                buyer,
                terms: terms.clone(),
                state: DealState::Locked,
                secret: None,
                buyer_evidence: None,
                seller_evidence: None,
                award: None,
            };
            self.deals.insert(id, &deal);
            self.env().emit_event(Locked { deal: id, buyer, terms });
            self.take_in(asset, stake)?;
            Ok(id)
        }

        /// E2: the caller, as the seller, pays in its bond (which may be 0) and is bound. The buyer's bond is return
        /// money from now on, under the same hashlock as the price.
        ///
        /// # Errors
        /// `UnknownDeal`, `NotYourPart`, `WrongState`, `DeadlinePassed`, `WrongValue`, `TokenRefused`, `TokenShort`.
        #[ink(message, payable)]
        pub fn accept(&mut self, id: DealId) -> Result<()> {
            let mut deal = self.known(id)?;
            if self.env().caller() != deal.terms.seller {
                return Err(Error::NotYourPart);
            }
            ensure_state(&deal, DealState::Locked)?;
            self.ensure_before(deal.terms.deadlines.accept_by)?;

            deal.state = DealState::Accepted;
            self.deals.insert(id, &deal);
            self.env().emit_event(Accepted { deal: id });
            self.take_in(deal.terms.asset, deal.terms.seller_bond)
        }

        /// E3: publishes the secret and gives the buyer its bond back. Anyone who knows the secret may.
        ///
        /// # Errors
        /// `UnknownDeal`, `WrongState`, `DeadlinePassed`, `WrongSecret`.
        #[ink(message)]
        pub fn reveal(&mut self, id: DealId, secret: Secret) -> Result<()> {
            let mut deal = self.known(id)?;
            ensure_state(&deal, DealState::Accepted)?;
            self.ensure_before(deal.terms.deadlines.reveal_by)?;
            ensure_opens(&deal, &secret)?;

            deal.state = DealState::Revealed;
            deal.secret = Some(secret);
            self.deals.insert(id, &deal);
            self.env().emit_event(Revealed { deal: id, secret });
            self.pay(id, deal.buyer, deal.terms.asset, deal.terms.bond)
        }

        /// E4: pays price and seller's bond to the seller, whoever sends it.
        ///
        /// Once the secret was revealed there is no deadline: the buyer has said that it has the goods, and a seller
        /// that was away must not lose its money. A seller that was handed the secret off-chain may claim without a
        /// reveal, strictly before the reveal's deadline; that gives the buyer its bond too.
        ///
        /// # Errors
        /// `UnknownDeal`, `WrongState`, `DeadlinePassed`, `WrongSecret`.
        #[ink(message)]
        pub fn claim(&mut self, id: DealId, secret: Secret) -> Result<()> {
            let mut deal = self.known(id)?;
            let to_buyer = match deal.state {
                DealState::Revealed => 0,
                DealState::Accepted => {
                    self.ensure_before(deal.terms.deadlines.reveal_by)?;
                    deal.terms.bond
                }
                state => return Err(Error::WrongState(state)),
            };
            ensure_opens(&deal, &secret)?;
            let to_seller = deal.held()?.checked_sub(to_buyer).ok_or(Error::Overflow)?;

            deal.state = DealState::Settled;
            deal.secret = Some(secret);
            self.deals.insert(id, &deal);
            self.env().emit_event(Settled { deal: id, secret });
            self.pay(id, deal.buyer, deal.terms.asset, to_buyer)?;
            self.pay(id, deal.terms.seller, deal.terms.asset, to_seller)
        }

        /// Gives each what it paid in, where the seller didn't accept in time, or nobody disputed in time that the
        /// buyer didn't reveal. Anyone may send it, at or after the deadline.
        ///
        /// # Errors
        /// `UnknownDeal`, `WrongState`, `TooEarly`.
        #[ink(message)]
        pub fn refund(&mut self, id: DealId) -> Result<()> {
            let mut deal = self.known(id)?;
            let not_before = match deal.state {
                DealState::Locked => deal.terms.deadlines.accept_by,
                DealState::Accepted => deal.terms.deadlines.dispute_by,
                state => return Err(Error::WrongState(state)),
            };
            self.ensure_from(not_before)?;
            let (to_buyer, to_seller) = stakes(&deal)?;

            deal.state = DealState::Refunded;
            self.deals.insert(id, &deal);
            self.env().emit_event(Refunded { deal: id });
            self.pay_both(id, &deal, to_buyer, to_seller)
        }

        /// Gives each what it paid in, because both signed that they want out. Anyone may send it, strictly before
        /// `expires_at`, in milliseconds since 1970, as long as the secret isn't out: then the price is the seller's.
        ///
        /// # Errors
        /// `UnknownDeal`, `WrongState`, `DeadlinePassed`, `BadBuyerSignature`, `BadSellerSignature`.
        #[ink(message)]
        pub fn cancel(&mut self, id: DealId, expires_at: u64, buyer: Signature, seller: Signature) -> Result<()> {
            let mut deal = self.known(id)?;
            match deal.state {
                DealState::Locked | DealState::Accepted | DealState::Disputed => {}
                state => return Err(Error::WrongState(state)),
            }
            self.ensure_before(expires_at)?;
            let domain = Domain {
                genesis: self.genesis,
                contract: self.env().account_id(),
                // The keys are the deal's, not the registry's.
                epoch: 0,
            };
            let payload = cancellation(&domain, &id, expires_at);
            let signed = |signature: &Signature, key| ink::env::sr25519_verify(&signature.0, &payload, key);
            signed(&buyer, &deal.terms.buyer_key).map_err(|_| Error::BadBuyerSignature)?;
            signed(&seller, &deal.terms.seller_key).map_err(|_| Error::BadSellerSignature)?;
            let (to_buyer, to_seller) = stakes(&deal)?;

            deal.state = DealState::Cancelled;
            self.deals.insert(id, &deal);
            self.env().emit_event(Cancelled { deal: id });
            self.pay_both(id, &deal, to_buyer, to_seller)
        }

        /// Files the digest of the caller's evidence for the arbiter, once per party. The first one opens the dispute:
        /// at or after the reveal's deadline, strictly before the dispute's; the other side answers strictly before the
        /// ruling's.
        ///
        /// # Errors
        /// `UnknownDeal`, `NotYourPart`, `WrongState`, `TooEarly`, `DeadlinePassed`, `EvidenceFiled`.
        #[ink(message)]
        pub fn dispute(&mut self, id: DealId, evidence: [u8; 32]) -> Result<()> {
            let mut deal = self.known(id)?;
            let by = self.env().caller();
            if by != deal.buyer && by != deal.terms.seller {
                return Err(Error::NotYourPart);
            }
            match deal.state {
                DealState::Accepted => {
                    self.ensure_from(deal.terms.deadlines.reveal_by)?;
                    self.ensure_before(deal.terms.deadlines.dispute_by)?;
                }
                DealState::Disputed => self.ensure_before(deal.terms.deadlines.ruling_by)?,
                state => return Err(Error::WrongState(state)),
            }
            let filed = if by == deal.buyer {
                &mut deal.buyer_evidence
            } else {
                &mut deal.seller_evidence
            };
            if filed.is_some() {
                return Err(Error::EvidenceFiled);
            }

            *filed = Some(evidence);
            deal.state = DealState::Disputed;
            self.deals.insert(id, &deal);
            self.env().emit_event(Disputed { deal: id, by, evidence });
            Ok(())
        }

        /// Splits the pot (price and both bonds): `to_seller`, in the asset's smallest unit, to the seller, the rest to
        /// the buyer. The caller is the deal's arbiter, strictly before the ruling's deadline.
        ///
        /// # Errors
        /// `UnknownDeal`, `NotYourPart`, `WrongState`, `DeadlinePassed`, `AwardAbovePot`.
        #[ink(message)]
        pub fn rule(&mut self, id: DealId, to_seller: Balance) -> Result<()> {
            let deal = self.known(id)?;
            if self.env().caller() != deal.terms.arbiter {
                return Err(Error::NotYourPart);
            }
            ensure_state(&deal, DealState::Disputed)?;
            self.ensure_before(deal.terms.deadlines.ruling_by)?;
            self.split(id, deal, to_seller, false)
        }

        /// Splits the pot as the parties agreed for the case that the arbiter is silent. Anyone may send it, at or after
        /// the ruling's deadline.
        ///
        /// # Errors
        /// `UnknownDeal`, `WrongState`, `TooEarly`.
        #[ink(message)]
        pub fn rule_by_default(&mut self, id: DealId) -> Result<()> {
            let deal = self.known(id)?;
            ensure_state(&deal, DealState::Disputed)?;
            self.ensure_from(deal.terms.deadlines.ruling_by)?;
            let to_seller = deal.terms.default_award;
            self.split(id, deal, to_seller, true)
        }

        /// Pays to the account `to` what could not be paid when it became due. Anyone may send it.
        ///
        /// # Errors
        /// `NothingDue`, `TransferFailed`.
        #[ink(message)]
        pub fn withdraw(&mut self, to: AccountId, asset: Asset) -> Result<()> {
            let amount = self.due(to, asset);
            if amount == 0 {
                return Err(Error::NothingDue);
            }
            self.due.insert((to, asset), &0);
            self.env().emit_event(Withdrawn { to, asset, amount });
            if self.transferred(to, asset, amount) {
                Ok(())
            } else {
                Err(Error::TransferFailed)
            }
        }

        /// A deal by its id: parties, terms, how far it is, and evidence.
        #[ink(message)]
        pub fn deal(&self, id: DealId) -> Option<Deal> {
            self.deals.get(id)
        }

        /// Deals by their ids, in the order asked for. At most 32.
        ///
        /// # Errors
        /// `TooManyDeals`.
        #[ink(message)]
        pub fn deals(&self, ids: Vec<DealId>) -> Result<Vec<Option<Deal>>> {
            if ids.len() > MAX_DEALS {
                return Err(Error::TooManyDeals);
            }
            Ok(ids.iter().map(|id| self.deals.get(id)).collect())
        }

        /// The id of the deal that was made under a hashlock.
        #[ink(message)]
        pub fn deal_under(&self, hashlock: Hashlock) -> Option<DealId> {
            self.hashlocks.get(hashlock)
        }

        /// What waits to be paid out to an account, in the asset's smallest unit.
        #[ink(message)]
        pub fn due(&self, to: AccountId, asset: Asset) -> Balance {
            self.due.get((to, asset)).unwrap_or_default()
        }

        /// The shortest that a phase of a deal may be, in milliseconds.
        #[ink(message)]
        pub fn gap(&self) -> u64 {
            self.gap
        }

        fn split(&mut self, id: DealId, mut deal: Deal, to_seller: Balance, by_default: bool) -> Result<()> {
            let pot = deal.held()?;
            let to_buyer = pot.checked_sub(to_seller).ok_or(Error::AwardAbovePot { pot })?;

            deal.state = DealState::Ruled;
            deal.award = Some(to_seller);
            self.deals.insert(id, &deal);
            self.env().emit_event(Ruled {
                deal: id,
                to_seller,
                to_buyer,
                by_default,
            });
            self.pay_both(id, &deal, to_buyer, to_seller)
        }

        fn known(&self, id: DealId) -> Result<Deal> {
            self.deals.get(id).ok_or(Error::UnknownDeal)
        }

        fn ensure_before(&self, deadline: u64) -> Result<()> {
            if self.env().block_timestamp() < deadline {
                Ok(())
            } else {
                Err(Error::DeadlinePassed { deadline })
            }
        }

        fn ensure_from(&self, not_before: u64) -> Result<()> {
            if self.env().block_timestamp() >= not_before {
                Ok(())
            } else {
                Err(Error::TooEarly { not_before })
            }
        }

        /// Takes from the caller exactly what is due. Called last: what it fails undoes everything.
        fn take_in(&mut self, asset: Asset, amount: Balance) -> Result<()> {
            let due = match asset {
                Asset::Native => amount,
                Asset::Psp22(_) => 0,
            };
            if self.env().transferred_value() != due {
                return Err(Error::WrongValue { due });
            }
            match asset {
                Asset::Psp22(account) if amount > 0 => {
                    token::take(account, self.env().caller(), self.env().account_id(), amount).map_err(Error::from)
                }
                _ => Ok(()),
            }
        }

        fn pay_both(&mut self, id: DealId, deal: &Deal, to_buyer: Balance, to_seller: Balance) -> Result<()> {
            self.pay(id, deal.buyer, deal.terms.asset, to_buyer)?;
            self.pay(id, deal.terms.seller, deal.terms.asset, to_seller)
        }

        /// Pays, or notes what is due. A recipient that can't be paid now must hold up neither the other party nor a
        /// claim that has a deadline.
        fn pay(&mut self, id: DealId, to: AccountId, asset: Asset, amount: Balance) -> Result<()> {
            if amount == 0 || self.transferred(to, asset, amount) {
                return Ok(());
            }
            let due = self.due(to, asset).checked_add(amount).ok_or(Error::Overflow)?;
            self.due.insert((to, asset), &due);
            self.env().emit_event(Deferred {
                deal: id,
                to,
                asset,
                amount,
            });
            Ok(())
        }

        fn transferred(&mut self, to: AccountId, asset: Asset, amount: Balance) -> bool {
            match asset {
                Asset::Native => self.env().transfer(to, amount).is_ok(),
                Asset::Psp22(account) => token::give(account, to, amount),
            }
        }
    }

    fn ensure_state(deal: &Deal, state: DealState) -> Result<()> {
        if deal.state == state {
            Ok(())
        } else {
            Err(Error::WrongState(deal.state))
        }
    }

    fn ensure_opens(deal: &Deal, secret: &Secret) -> Result<()> {
        if secret.hashlock() == deal.terms.hashlock {
            Ok(())
        } else {
            Err(Error::WrongSecret)
        }
    }

    /// What each paid in, of a deal in which nothing was paid out.
    fn stakes(deal: &Deal) -> Result<(Balance, Balance)> {
        let buyer = deal.terms.buyer_stake()?;
        let seller = deal.held()?.checked_sub(buyer).ok_or(Error::Overflow)?;
        Ok((buyer, seller))
    }
}
