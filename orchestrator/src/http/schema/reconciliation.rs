//! The types of reconciliation as they look in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Asset, Bytes32, Member, Signature, Timestamp};

described! {
    /// What both sides of a book sign.
    BookTerms {
        /// Who records what customers paid.
        client: Member,
        /// Who owes what the entries say.
        debit: Member,
        /// Who is owed it.
        credit: Member,
        /// In what.
        asset: Asset,
        /// By whose clocks days begin: the name of a time zone, such as `Europe/Berlin`.
        zone: String,
        /// How long after a day's end one side alone may close it, in milliseconds.
        patience: Timestamp,
        /// Tells books of the same terms apart.
        number: u32,
    }
}

/// What the corrections of a day may bring it below: a number of the asset's smallest unit, with a minus sign below 0.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(pattern = "^-?[0-9]{1,39}$", example = "-40")]
pub struct SignedAmount(pub String);

/// Whose book it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookSide {
    /// Who owes.
    Debit,
    /// Who is owed.
    Credit,
    /// The bilateral entries.
    Chain,
}

/// What is wrong.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// There is no line of it there; at the chain, no entry.
    Missing,
    /// Another amount.
    Amount,
    /// Another asset.
    Asset,
    /// Another payer.
    Payer,
    /// More than one line of it.
    Duplicate,
    /// Another day.
    WrongDay,
    /// Another id.
    AlteredId,
}

/// Why a side doesn't co-sign.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookRefusalCode {
    /// It was signed by keys that have changed: sign again.
    StaleEpoch,
    /// It is for another number of corrections than the chain has, or for a day that it can't count on.
    Stale,
    /// The side's own matching finds no such break.
    NoSuchBreak,
    /// Somebody there rejected it.
    Rejected,
    /// The side's own matching finds breaks that are open.
    BreaksOpen,
    /// The side's own matching, or its book, says something else.
    Differs,
    /// The day can't be closed yet.
    TooEarly,
}

/// The answer to a proposal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CoSigned {
    /// Signed too.
    Signed {
        /// The other's.
        signature: Signature,
    },
    /// Somebody there has to look at it: ask again.
    Pending,
    /// No.
    Refused {
        /// Why.
        code: BookRefusalCode,
        /// In words.
        reason: String,
    },
}

described! {
    /// What is wrong, and where.
    BreakCause {
        /// What.
        kind: BreakKind,
        /// Where.
        side: BookSide,
    }

    /// One line of a side's book.
    BookLine {
        /// What it is known by.
        trade: Bytes32,
        /// Tells duplicates apart.
        number: u64,
        /// On which day the side booked it, counted from 1970-01-01.
        day: u32,
        /// In the asset's smallest unit.
        amount: Amount,
        /// In what.
        asset: Asset,
        /// Who paid; nothing where the book doesn't say.
        payer: Option<Bytes32>,
        /// When; nothing where the book says the day only.
        time: Option<Timestamp>,
    }

    /// A bilateral entry.
    BookEntry {
        /// What the payment is known by.
        trade: Bytes32,
        /// Who paid.
        payer: Bytes32,
        /// In the asset's smallest unit.
        amount: Amount,
        /// When the customer paid.
        time: Timestamp,
    }

    /// A bilateral entry as the finalized chain has it.
    TracedEntry {
        /// What is known of it.
        entry: BookEntry,
        /// For which day, counted from 1970-01-01.
        day: u32,
        /// What it may be booked under as one line, with others.
        batch: Option<Bytes32>,
        /// How often it was corrected.
        corrections: u32,
        /// The finalized block of the event that made it, or changed it last.
        block: u32,
        /// That block's hash.
        block_hash: Bytes32,
        /// The event's place among all events of the block.
        event: u32,
    }

    /// What the chain's entries of a batch come to that have no line of their own at a side.
    BatchSums {
        /// At the debit side.
        debit: Option<Amount>,
        /// At the credit side.
        credit: Option<Amount>,
    }

    /// What is wrong with one trade, with the lines that show it.
    BreakFinding {
        /// Which trade.
        trade: Bytes32,
        /// On which day, counted from 1970-01-01.
        day: u32,
        /// What is wrong and where.
        causes: Vec<BreakCause>,
        /// The chain's entry, if there is one; of a batch, the first of those that the line stands for.
        entry: Option<TracedEntry>,
        /// Of a batch: what the line should say.
        batch: Option<BatchSums>,
        /// The debit side's lines.
        debit: Vec<BookLine>,
        /// The credit side's lines.
        credit: Vec<BookLine>,
        /// Whether it isn't time yet to call it missing.
        is_expected: bool,
    }

    /// What a run counted.
    RunSummary {
        /// Entries of the chain, without those that came to nothing.
        entries: u64,
        /// What they come to, in the asset's smallest unit.
        total: Amount,
        /// Entries on which all three agree.
        matched: u64,
        /// Of these, how many agree only within the tolerance.
        rounded: u64,
        /// Of these, how many a side booked as one line with others.
        in_batches: u64,
        /// Lines of the debit side.
        debit_lines: u64,
        /// Lines of the credit side.
        credit_lines: u64,
        /// Trades with something wrong.
        breaks: u64,
        /// Trades that may still come.
        expected: u64,
    }

    /// What a side's book says of a day.
    BookStatement {
        /// Of which book.
        book: u32,
        /// Whose.
        side: BookSide,
        /// Of which day, counted from 1970-01-01.
        day: u32,
        /// How many lines.
        lines: u64,
        /// What they come to, in the asset's smallest unit.
        total: Amount,
        /// Digest of all pages.
        digest: Bytes32,
        /// When it was drawn up.
        at: Timestamp,
    }

    /// With the side's signature.
    SignedBookStatement {
        /// What it says.
        statement: BookStatement,
        /// The registry's epoch at signing.
        epoch: u32,
        /// The side's.
        signature: Signature,
    }

    /// Asks a side what its book says of a day.
    BookStatementRequest {
        /// Of which book.
        book: u32,
        /// Of which day, counted from 1970-01-01.
        day: u32,
        /// Entries up to this finalized block are to be in it.
        block: u32,
    }

    /// Asks for a page of a statement.
    BookPageRequest {
        /// Of which book.
        book: u32,
        /// The statement's digest.
        digest: Bytes32,
        /// Which, from 0.
        page: u64,
    }

    /// The client tells a side of entries.
    BookDelivery {
        /// Of which book.
        book: u32,
        /// What it is to the recipient.
        side: BookSide,
        /// For which day, counted from 1970-01-01.
        day: u32,
        /// What they may be booked under as one line.
        batch: Option<Bytes32>,
        /// What; at most 512.
        entries: Vec<BookEntry>,
    }

    /// What is right, as both sides sign it.
    BookCorrection {
        /// In which book.
        book: u32,
        /// Of which entry.
        trade: Bytes32,
        /// How often it was corrected before.
        number: u32,
        /// The open day that it counts on, counted from 1970-01-01.
        day: u32,
        /// What was wrong.
        causes: Vec<BreakCause>,
        /// What the debit side's book said, if anything.
        debit: Option<Amount>,
        /// What the credit side's book said, if anything.
        credit: Option<Amount>,
        /// What is right, in the asset's smallest unit; 0: there was no such payment.
        amount: Amount,
        /// Who paid.
        payer: Bytes32,
        /// When the customer paid.
        time: Timestamp,
        /// Digest of what shows it.
        evidence: Bytes32,
        /// Accepted strictly before, in block time.
        expires_at: Timestamp,
    }

    /// Asks the other side to co-sign a correction.
    CorrectionProposal {
        /// What is right.
        correction: BookCorrection,
        /// The registry's epoch at signing.
        epoch: u32,
        /// The proposer's.
        signature: Signature,
        /// What the proposer's people say about it.
        comment: Option<String>,
    }

    /// A correction on its way to both signatures.
    ProposedCorrection {
        /// What is right.
        correction: BookCorrection,
        /// The registry's epoch at signing.
        epoch: u32,
        /// The debit side's.
        debit: Option<Signature>,
        /// The credit side's.
        credit: Option<Signature>,
        /// Whether this side proposed it.
        is_ours: bool,
        /// What the proposer's people say about it.
        comment: Option<String>,
    }

    /// A side's no to a correction.
    RefusedCorrection {
        /// Why.
        code: BookRefusalCode,
        /// In words.
        reason: String,
        /// To which correction, by its id.
        correction: Bytes32,
        /// Whether this side said it.
        is_ours: bool,
    }

    /// What is closed, as both sides sign it.
    BookClosing {
        /// Of which book.
        book: u32,
        /// Which day, counted from 1970-01-01.
        day: u32,
        /// How many entries match: all that it has.
        matched: u32,
        /// How many breaks were corrected.
        breaks: u32,
        /// What it comes to, in the asset's smallest unit.
        total: SignedAmount,
        /// Digest of the debit side's book of the day.
        debit_book: Bytes32,
        /// Digest of the credit side's book of the day.
        credit_book: Bytes32,
        /// Accepted strictly before, in block time.
        expires_at: Timestamp,
    }

    /// Asks the other side to co-sign the closing of a day.
    ClosingProposal {
        /// What is closed.
        closing: BookClosing,
        /// The registry's epoch at signing.
        epoch: u32,
        /// The proposer's.
        signature: Signature,
    }

    /// How a day was closed.
    DayClosed {
        /// The closing's id: what the payment of the total is known by.
        id: Bytes32,
        /// What the debit side pays the credit side, in the asset's smallest unit.
        payable: Amount,
        /// What is left for the next day to make up for, 0 or below.
        carried: SignedAmount,
        /// When.
        at: Timestamp,
        /// Whether one side closed it alone.
        is_default: bool,
    }
}
