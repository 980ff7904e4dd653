//! Prepaid: the cards of one issuer's programme, what they hold, what they pay merchants, and what merchants are paid by
//! cycle (S4.1 to S4.4).
//!
//! Cards, terminals and holders speak by signature and never by sending a transaction. What cards and terminals signed the
//! issuer brings here: what it answered that it won't take, nobody else can bring later, though all the chain can read it.
//! What holders signed anyone can bring. A payment is approved, or declined with a code; one that is declined leaves the
//! others of its batch alone.
//!
//! Always: what this contract holds = the sum of all cards' balances + what merchants are not paid yet. A card pays once
//! under each counter, and never more than it holds. No more of a payment goes back than was taken, by void, refunds and
//! dispute together; nothing goes back but by its dispute while that is open. Each payment is in one cycle of its merchant.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
// ink!'s generated dispatch code: exported symbols, unchecked arithmetic on constants
#![allow(unsafe_code, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

mod cards;
mod clock;
mod cycles;
mod disputes;
mod issuer;
mod merchants;
mod money;
mod payments;
mod returns;

use protocol::prepaid::Error;

/// What a message that may refuse returns.
pub type Result<T> = core::result::Result<T, Error>;

/// Prepaid: the cards of one issuer's programme, what they hold, what they pay merchants, and what merchants are paid
/// by cycle (S4.1 to S4.4). Amounts are in the asset's smallest unit, times in milliseconds since 1970.
#[ink::contract]
mod prepaid {
    use ink::{prelude::vec::Vec, storage::Mapping};
    use protocol::{
        prepaid::{
            Card, CardLimits, CardNumber, Constants, Dispute, DisputeOrder, Error, Float, Merchant, MerchantNumber,
            PaymentKey, PaymentLine, PaymentRecord, Programme, RefundOrder, Rules, SignedPayment, Statement, Terminal,
            Verdict, VoidOrder, MAX_LISTED,
        },
        settlement::Asset,
        Member, Signature,
    };

    use crate::Result;

    /// Who puts money in, and what it knows that by.
    pub(crate) type Reference = (AccountId, [u8; 32]);

    #[ink(storage)]
    pub struct Prepaid {
        /// The chain's genesis hash: part of what cards, terminals and holders sign.
        pub(crate) genesis: [u8; 32],
        /// The registry that knows the issuer and the acquirers.
        pub(crate) registry: AccountId,
        /// The issuer.
        pub(crate) issuer: Member,
        /// What the cards hold.
        pub(crate) asset: Asset,
        /// What holds for all cards and merchants.
        pub(crate) programme: Programme,
        /// The sums of what cards hold and of what merchants aren't paid yet.
        pub(crate) float: Float,
        /// Every card, for good. No entry here ever shrinks: the storage deposit would go to whoever happened to send the
        /// transaction.
        pub(crate) cards: Mapping<CardNumber, Card>,
        /// Every merchant, for good.
        pub(crate) merchants: Mapping<MerchantNumber, Merchant>,
        /// Every terminal, by its key, for good.
        pub(crate) terminals: Mapping<AccountId, Terminal>,
        /// Every payment that was taken, for good.
        pub(crate) payments: Mapping<PaymentKey, PaymentRecord>,
        /// Every dispute, by its payment, for good.
        pub(crate) disputes: Mapping<PaymentKey, Dispute>,
        /// What merchants were told of closed cycles, for good.
        pub(crate) statements: Mapping<(MerchantNumber, u32), Statement>,
        /// Who put money in, and under what: each once.
        pub(crate) references: Mapping<Reference, ()>,
    }

    /// The issuer said what holds for all cards and merchants from now on.
    #[ink(event)]
    pub struct ProgrammeSet {
        /// What holds for all cards and merchants from now on.
        pub(crate) programme: Programme,
    }

    /// The issuer registered a merchant: it can be paid from now on.
    #[ink(event)]
    pub struct MerchantRegistered {
        /// The merchant's number.
        #[ink(topic)]
        pub(crate) merchant: MerchantNumber,
        /// The institution that speaks for the merchant.
        pub(crate) acquirer: Member,
        /// The account that the merchant is paid on.
        pub(crate) account: AccountId,
        /// How the merchant is paid.
        pub(crate) rules: Rules,
    }

    /// The issuer takes no more payments for a merchant, or does again.
    #[ink(event)]
    pub struct MerchantSwitched {
        /// The merchant's number.
        #[ink(topic)]
        pub(crate) merchant: MerchantNumber,
        /// Whether the merchant takes payments from now on.
        pub(crate) is_active: bool,
    }

    /// The issuer said how a merchant is paid from its next cycle on.
    #[ink(event)]
    pub struct RulesSet {
        /// The merchant's number.
        #[ink(topic)]
        pub(crate) merchant: MerchantNumber,
        /// How the merchant is paid from its next cycle on.
        pub(crate) rules: Rules,
    }

    /// A merchant has another terminal.
    #[ink(event)]
    pub struct TerminalAdded {
        /// The merchant's number.
        #[ink(topic)]
        pub(crate) merchant: MerchantNumber,
        /// The terminal's public key.
        pub(crate) terminal: AccountId,
    }

    /// A terminal's key is no longer good.
    #[ink(event)]
    pub struct TerminalRevoked {
        /// The number of the merchant whose terminal it was.
        #[ink(topic)]
        pub(crate) merchant: MerchantNumber,
        /// The terminal's public key.
        pub(crate) terminal: AccountId,
    }

    /// A card was issued (S4.1).
    #[ink(event)]
    pub struct CardIssued {
        /// The card's number.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The sr25519 public key that the card signs with.
        pub(crate) key: AccountId,
        /// The account of the card's holder.
        pub(crate) holder: AccountId,
        /// The card's own limits; the programme's hold too.
        pub(crate) limits: CardLimits,
        /// When it expires, in milliseconds since 1970.
        pub(crate) expires_at: u64,
    }

    /// The issuer gave a card other limits of its own.
    #[ink(event)]
    pub struct LimitsSet {
        /// The card's number.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The card's own limits; the programme's hold too.
        pub(crate) limits: CardLimits,
    }

    /// The issuer stopped a card: it neither pays nor is topped up.
    #[ink(event)]
    pub struct Frozen {
        /// The card's number.
        #[ink(topic)]
        pub(crate) card: CardNumber,
    }

    /// The issuer lets a card be used again.
    #[ink(event)]
    pub struct Unfrozen {
        /// The card's number.
        #[ink(topic)]
        pub(crate) card: CardNumber,
    }

    /// A lost card was replaced: its balance is now the new one's.
    #[ink(event)]
    pub struct CardReplaced {
        /// The card's number, which stays.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The sr25519 public key that the new card signs with.
        pub(crate) key: AccountId,
    }

    /// A card was closed, and its holder was paid what it held. Final.
    #[ink(event)]
    pub struct CardClosed {
        /// The card's number.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The account of the holder, who was paid.
        pub(crate) holder: AccountId,
        /// What the card held, in the asset's smallest unit.
        pub(crate) amount: Balance,
    }

    /// A card was topped up (S4.2).
    #[ink(event)]
    pub struct ToppedUp {
        /// The card's number.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// How much was added, in the asset's smallest unit.
        pub(crate) amount: Balance,
        /// The reference by which the account that paid knows the top-up.
        pub(crate) reference: [u8; 32],
        /// The account that paid.
        pub(crate) by: AccountId,
    }

    /// Card payments were approved or declined (S4.3).
    #[ink(event)]
    pub struct PaymentsDecided {
        /// The payments, each with what became of it, in the order they came.
        pub(crate) payments: Vec<PaymentLine>,
    }

    /// A card payment was undone: all of it went back to the card.
    #[ink(event)]
    pub struct Voided {
        /// The number of the card that paid.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The card's own number for the payment.
        pub(crate) counter: u64,
        /// What went back to the card, in the asset's smallest unit.
        pub(crate) amount: Balance,
    }

    /// A merchant gave back a card payment, or a part of it.
    #[ink(event)]
    pub struct Refunded {
        /// The number of the card that paid.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The card's own number for the payment.
        pub(crate) counter: u64,
        /// What went back to the card, in the asset's smallest unit.
        pub(crate) amount: Balance,
    }

    /// Money was put in for a merchant's refunds.
    #[ink(event)]
    pub struct MerchantFunded {
        /// The merchant's number.
        #[ink(topic)]
        pub(crate) merchant: MerchantNumber,
        /// How much was put in, in the asset's smallest unit.
        pub(crate) amount: Balance,
        /// The reference by which the account that paid knows this.
        pub(crate) reference: [u8; 32],
        /// The account that paid.
        pub(crate) by: AccountId,
    }

    /// A card's holder objects to a payment.
    #[ink(event)]
    pub struct DisputeOpened {
        /// The number of the card that paid.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The card's own number for the payment.
        pub(crate) counter: u64,
        /// What the holder wants back, in the asset's smallest unit.
        pub(crate) amount: Balance,
        /// Digest of what shows why the holder objects.
        pub(crate) evidence: [u8; 32],
        /// The issuer can decide strictly before this time, in milliseconds since 1970.
        pub(crate) rule_by: u64,
    }

    /// A merchant's acquirer answered a dispute over a card payment.
    #[ink(event)]
    pub struct DisputeAnswered {
        /// The number of the card that paid.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The card's own number for the payment.
        pub(crate) counter: u64,
        /// Digest of the acquirer's answer.
        pub(crate) answer: [u8; 32],
        /// The issuer can decide strictly before this time, which the answer put off; in milliseconds since 1970.
        pub(crate) rule_by: u64,
    }

    /// A dispute over a card payment was decided. Final.
    #[ink(event)]
    pub struct DisputeDecided {
        /// The number of the card that paid.
        #[ink(topic)]
        pub(crate) card: CardNumber,
        /// The card's own number for the payment.
        pub(crate) counter: u64,
        /// What went back to the card, in the asset's smallest unit.
        pub(crate) awarded: Balance,
        /// Whether it was decided by default, because the issuer didn't in time.
        pub(crate) is_default: bool,
    }

    /// A merchant's cycle was closed, and the merchant and the issuer paid (S4.4).
    #[ink(event)]
    pub struct CycleClosed {
        /// The merchant's number.
        #[ink(topic)]
        pub(crate) merchant: MerchantNumber,
        /// What the merchant is told of the cycle.
        pub(crate) statement: Statement,
    }

    impl Prepaid {
        /// Makes the programme of one issuer, whose cards hold one asset. `genesis`: the chain's genesis hash;
        /// `registry`: the registry that knows the issuer, by the index `issuer`; `programme`: what holds for all cards
        /// and merchants.
        ///
        /// # Errors
        /// `BadProgramme`.
        #[ink(constructor)]
        pub fn new(
            genesis: [u8; 32],
            registry: AccountId,
            issuer: Member,
            asset: Asset,
            programme: Programme,
        ) -> Result<Self> {
            programme.check()?;
            Self::env().emit_event(ProgrammeSet { programme });
            Ok(Self {
                genesis,
                registry,
                issuer,
                asset,
                programme,
                float: Float::default(),
                cards: Mapping::new(),
                merchants: Mapping::new(),
                terminals: Mapping::new(),
                payments: Mapping::new(),
                disputes: Mapping::new(),
                statements: Mapping::new(),
                references: Mapping::new(),
            })
        }

        /// Says what holds for all cards and merchants from now on. Disputes that are open keep their deadline. Sent by
        /// the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `BadProgramme`.
        #[ink(message)]
        pub fn set_programme(&mut self, programme: Programme) -> Result<()> {
            self.ensure_issuer()?;
            programme.check()?;
            self.programme = programme;
            self.env().emit_event(ProgrammeSet { programme });
            Ok(())
        }

        /// Registers a merchant, with the institution that speaks for it and the account that it is paid on. Sent by the
        /// issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `BadRules`, `MerchantExists`.
        #[ink(message)]
        pub fn register_merchant(
            &mut self,
            merchant: MerchantNumber,
            acquirer: Member,
            account: AccountId,
            rules: Rules,
        ) -> Result<()> {
            self.ensure_issuer()?;
            self.add_merchant(merchant, acquirer, account, rules)
        }

        /// Takes no more payments for a merchant, or does again. What was paid can still be refunded, and is paid out.
        /// Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownMerchant`.
        #[ink(message)]
        pub fn switch_merchant(&mut self, merchant: MerchantNumber, is_active: bool) -> Result<()> {
            self.ensure_issuer()?;
            self.keep_switch(merchant, is_active)
        }

        /// Says how a merchant is paid from its next cycle on. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `BadRules`, `UnknownMerchant`.
        #[ink(message)]
        pub fn set_rules(&mut self, merchant: MerchantNumber, rules: Rules) -> Result<()> {
            self.ensure_issuer()?;
            self.keep_rules(merchant, rules)
        }

        /// Gives a merchant another terminal, by the sr25519 public key that it signs with. A key is a terminal's once.
        /// Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownMerchant`, `TerminalExists`.
        #[ink(message)]
        pub fn add_terminal(&mut self, merchant: MerchantNumber, terminal: AccountId) -> Result<()> {
            self.ensure_issuer()?;
            self.keep_terminal(merchant, terminal)
        }

        /// Takes nothing more that a terminal signed, for good. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownTerminal`, `TerminalRevoked`.
        #[ink(message)]
        pub fn revoke_terminal(&mut self, terminal: AccountId) -> Result<()> {
            self.ensure_issuer()?;
            self.end_terminal(terminal)
        }

        /// Issues a card (S4.1): its number, its sr25519 public key, whose it is, its own limits, and until when it can
        /// be used, in milliseconds since 1970. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `CardExists`, `CardExpired`.
        #[ink(message)]
        pub fn issue_card(
            &mut self,
            card: CardNumber,
            key: AccountId,
            holder: AccountId,
            limits: CardLimits,
            expires_at: u64,
        ) -> Result<()> {
            self.ensure_issuer()?;
            self.add_card(card, key, holder, limits, expires_at)
        }

        /// Gives a card other limits of its own, in the asset's smallest unit. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownCard`, `WrongCardState`.
        #[ink(message)]
        pub fn set_limits(&mut self, card: CardNumber, limits: CardLimits) -> Result<()> {
            self.ensure_issuer()?;
            self.keep_limits(card, limits)
        }

        /// Stops a card: it neither pays nor is topped up. What comes back to it still does. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownCard`, `WrongCardState`.
        #[ink(message)]
        pub fn freeze(&mut self, card: CardNumber) -> Result<()> {
            self.ensure_issuer()?;
            self.stop_card(card)
        }

        /// Lets a card be used again. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownCard`, `WrongCardState`.
        #[ink(message)]
        pub fn unfreeze(&mut self, card: CardNumber) -> Result<()> {
            self.ensure_issuer()?;
            self.let_card_go_on(card)
        }

        /// Replaces a lost card by one with another sr25519 public key: number, holder, balance, limits and expiry
        /// stay, nothing that the lost one signed is taken any more. Its counters begin above the card's highest. A
        /// frozen card can be used again. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownCard`, `WrongCardState`, `SameKey`.
        #[ink(message)]
        pub fn replace_card(&mut self, card: CardNumber, key: AccountId) -> Result<()> {
            self.ensure_issuer()?;
            self.give_new_key(card, key)
        }

        /// Closes a card and pays what it holds to its holder. Sent by the issuer; at or after its expiry by anyone,
        /// unless it is frozen.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `UnknownCard`, `WrongCardState`, `TransferFailed`.
        #[ink(message)]
        pub fn close_card(&mut self, card: CardNumber) -> Result<()> {
            self.pay_holder_out(card)
        }

        /// Tops a card up with the caller's money (S4.2), `amount` in the asset's smallest unit: native tokens sent
        /// along, or a token that this contract is approved for. `reference`: what the caller knows it by; each is
        /// taken once of each caller.
        ///
        /// # Errors
        /// `ZeroAmount`, `ReferenceUsed`, `UnknownCard`, `WrongCardState`, `CardExpired`, `AboveBalanceLimit`,
        /// `WrongValue`, `TokenRefused`, `TokenShort`, `Overflow`.
        #[ink(message, payable)]
        pub fn top_up(&mut self, card: CardNumber, amount: Balance, reference: [u8; 32]) -> Result<()> {
            self.add_to_card(card, amount, reference)
        }

        /// Takes payments, each for itself: approved, or declined with a code (S4.3). At most 64. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `PaymentCount`. What is wrong with a payment is in its
        /// verdict.
        #[ink(message)]
        pub fn pay_batch(&mut self, payments: Vec<SignedPayment>) -> Result<Vec<Verdict>> {
            self.ensure_issuer()?;
            self.decide_all(&payments)
        }

        /// Undoes a payment whose cycle is open, as a terminal of its merchant signed: all of it goes back to the card, and
        /// no fee is due. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `DeadlinePassed`, `UnknownPayment`, `UnknownTerminal`, `ForeignMerchant`, `TerminalRevoked`,
        /// `BadTerminalSignature`, `AlreadyVoided`, `CycleClosed`, `NotWhole`, `MerchantShort`, `TransferFailed`.
        #[ink(message)]
        pub fn void(&mut self, order: VoidOrder, signature: Signature) -> Result<()> {
            self.ensure_issuer()?;
            self.undo(&order, &signature)
        }

        /// Gives back a payment or a part of it, as a terminal of its merchant signed, from what the merchant isn't paid
        /// yet. Sent by the issuer.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `ZeroAmount`, `DeadlinePassed`, `UnknownPayment`,
        /// `UnknownTerminal`, `ForeignMerchant`, `TerminalRevoked`, `BadTerminalSignature`, `Disputed`, `StaleOrder`,
        /// `AboveReturnable`, `MerchantShort`, `TransferFailed`.
        #[ink(message)]
        pub fn refund(&mut self, order: RefundOrder, signature: Signature) -> Result<()> {
            self.ensure_issuer()?;
            self.carry_out_refund(&order, &signature)
        }

        /// Puts the caller's money in for a merchant's refunds, `amount` in the asset's smallest unit: native tokens
        /// sent along, or a token that this contract is approved for. `reference`: what the caller knows it by; each is
        /// taken once of each caller. What isn't needed is paid out to the merchant.
        ///
        /// # Errors
        /// `ZeroAmount`, `ReferenceUsed`, `UnknownMerchant`, `WrongValue`, `TokenRefused`, `TokenShort`, `Overflow`.
        #[ink(message, payable)]
        pub fn fund_merchant(&mut self, merchant: MerchantNumber, amount: Balance, reference: [u8; 32]) -> Result<()> {
            self.add_to_merchant(merchant, amount, reference)
        }

        /// Objects to a payment, as its holder signed. Until it is decided, the amount isn't paid out to the merchant, and
        /// the payment isn't refunded. Anyone may send it.
        ///
        /// # Errors
        /// `ZeroAmount`, `DeadlinePassed` (the order's, or the dispute period's), `UnknownPayment`, `BadHolderSignature`,
        /// `AlreadyDisputed`, `AboveReturnable`, `Overflow`.
        #[ink(message)]
        pub fn open_dispute(&mut self, order: DisputeOrder, signature: Signature) -> Result<()> {
            self.hold_for(&order, &signature)
        }

        /// Keeps the digest of the merchant's answer to a dispute. Sent by its acquirer, before the issuer's time is over,
        /// which then begins again.
        ///
        /// # Errors
        /// `NotDisputed`, `AlreadyDecided`, `DeadlinePassed`, `AlreadyAnswered`, `NotTheAcquirer`, `RegistryFailed`,
        /// `Overflow`.
        #[ink(message)]
        pub fn answer_dispute(&mut self, card: CardNumber, counter: u64, answer: [u8; 32]) -> Result<()> {
            self.keep_answer((card, counter), answer)
        }

        /// Decides a dispute: `awarded` goes back to the card, in the asset's smallest unit, from 0 to what the holder
        /// wants. Sent by the issuer, before its time is over.
        ///
        /// # Errors
        /// `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `NotDisputed`, `AlreadyDecided`, `DeadlinePassed`,
        /// `AboveClaim`, `MerchantShort`, `TransferFailed`.
        #[ink(message)]
        pub fn decide_dispute(&mut self, card: CardNumber, counter: u64, awarded: Balance) -> Result<()> {
            self.ensure_issuer()?;
            self.rule((card, counter), awarded)
        }

        /// Decides a dispute that the issuer left alone: for the merchant if its acquirer answered, for the holder if not.
        /// At or after the issuer's time is over. Anyone may send it. If the merchant is short, it can be sent again: once
        /// it took more, or somebody put it in.
        ///
        /// # Errors
        /// `NotDisputed`, `AlreadyDecided`, `TooEarly`, `MerchantShort`, `TransferFailed`.
        #[ink(message)]
        pub fn default_dispute(&mut self, card: CardNumber, counter: u64) -> Result<()> {
            self.rule_by_default((card, counter))
        }

        /// Closes a merchant's open cycle, writes its statement, pays the merchant and the fee to the issuer (S4.4). Sent
        /// by the issuer; by anyone once the cycle has lasted as long as the programme says. Returns the statement.
        ///
        /// # Errors
        /// `UnknownMerchant`, `NotTheIssuer`, `IssuerNotActive`, `RegistryFailed`, `TransferFailed`, `Overflow`.
        #[ink(message)]
        pub fn close_cycle(&mut self, merchant: MerchantNumber) -> Result<Statement> {
            self.pay_merchant_out(merchant)
        }

        /// Cards by their numbers, in the order asked for. At most 64.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn cards(&self, numbers: Vec<CardNumber>) -> Result<Vec<Option<Card>>> {
            ensure_few(&numbers)?;
            Ok(numbers.iter().map(|number| self.cards.get(number)).collect())
        }

        /// Merchants by their numbers, in the order asked for. At most 64.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn merchants(&self, numbers: Vec<MerchantNumber>) -> Result<Vec<Option<Merchant>>> {
            ensure_few(&numbers)?;
            Ok(numbers.iter().map(|number| self.merchants.get(number)).collect())
        }

        /// Terminals by their keys, in the order asked for. At most 64.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn terminals(&self, keys: Vec<AccountId>) -> Result<Vec<Option<Terminal>>> {
            ensure_few(&keys)?;
            Ok(keys.iter().map(|key| self.terminals.get(key)).collect())
        }

        /// Payments that were taken, by the card's number and the card's own number for the payment, in the order asked
        /// for. At most 64.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn payments(&self, keys: Vec<PaymentKey>) -> Result<Vec<Option<PaymentRecord>>> {
            ensure_few(&keys)?;
            Ok(keys.iter().map(|key| self.payments.get(key)).collect())
        }

        /// Disputes, by the card's number and the card's own number for the payment, in the order asked for. At most
        /// 64.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn disputes(&self, keys: Vec<PaymentKey>) -> Result<Vec<Option<Dispute>>> {
            ensure_few(&keys)?;
            Ok(keys.iter().map(|key| self.disputes.get(key)).collect())
        }

        /// What a merchant was told of a cycle, if it is closed; amounts are in the asset's smallest unit.
        #[ink(message)]
        pub fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Option<Statement> {
            self.statements.get((merchant, cycle))
        }

        /// Whether the account `by` put money in under this reference.
        #[ink(message)]
        pub fn is_used(&self, by: AccountId, reference: [u8; 32]) -> bool {
            self.references.contains((by, reference))
        }

        /// The sums of what cards hold and of what merchants aren't paid yet, in the asset's smallest unit.
        #[ink(message)]
        pub fn float(&self) -> Float {
            self.float
        }

        /// What holds for all cards and merchants.
        #[ink(message)]
        pub fn programme(&self) -> Programme {
            self.programme
        }

        /// What this contract was made with: genesis hash, registry, issuer and asset.
        #[ink(message)]
        pub fn constants(&self) -> Constants {
            Constants {
                genesis: self.genesis,
                registry: self.registry,
                issuer: self.issuer,
                asset: self.asset,
            }
        }
    }

    fn ensure_few<T>(asked: &[T]) -> Result<()> {
        if asked.len() > MAX_LISTED {
            Err(Error::TooManyAsked)
        } else {
            Ok(())
        }
    }
}
