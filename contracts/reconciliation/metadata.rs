//! Prints the contract's metadata as JSON, for its bundle.
use reconciliation as _;

extern "Rust" {
    /// `#[ink::contract]` makes this of the contract above.
    fn __ink_generate_metadata() -> ink::metadata::InkProject;
}

fn main() -> Result<(), serde_json::Error> {
    // ink! offers no other way to its metadata than this symbol. It is a plain Rust function without arguments, linked
    // from the crate that the same compiler has just compiled against the same ink!.
    #[allow(unsafe_code)]
    let metadata = unsafe { __ink_generate_metadata() };
    serde_json::to_writer(std::io::stdout(), &metadata)
}
