//! The last step of a contract: what pallet-contracts wants of a module, beyond what the compiler makes.
use std::convert::Infallible;

use anyhow::{ensure, Context as _, Result};
use wasm_encoder::{
    reencode::{utils, Error, Reencode},
    ExportSection, MemoryType, Module,
};
use wasmparser::{CustomSectionReader, Export, ExternalKind, Parser, Payload, Validator, WasmFeatures};

/// The only functions that a contract exports.
const ENTRY_POINTS: [&str; 2] = ["call", "deploy"];
/// The most memory that the chain's schedule gives a contract, in pages of 64 KiB.
const MEMORY_PAGES: u64 = 16;

/// Keeps of a module what the chain accepts: entry points as the only exports, bounded memory, no custom sections.
pub fn for_chain(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut rewrite = ForChain { entry_points: 0 };
    let mut module = Module::new();
    rewrite
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .context("cannot read the module")?;
    ensure!(
        rewrite.entry_points == ENTRY_POINTS.len(),
        "it doesn't export both `call` and `deploy`"
    );
    let wasm = module.finish();
    Validator::new_with_features(accepted_features())
        .validate_all(&wasm)
        .context("it uses what pallet-contracts forbids")?;
    Ok(wasm)
}

/// Whether a module has a custom section of this name.
pub fn has_custom_section(wasm: &[u8], name: &str) -> Result<bool> {
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CustomSection(section) = payload? {
            if section.name() == name {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// As pallet-contracts 51 configures its interpreter.
fn accepted_features() -> WasmFeatures {
    WasmFeatures::MVP
        .difference(WasmFeatures::FLOATS)
        .union(WasmFeatures::SIGN_EXTENSION)
}

struct ForChain {
    entry_points: usize,
}

impl Reencode for ForChain {
    type Error = Infallible;

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error<Infallible>> {
        if export.kind != ExternalKind::Func || !ENTRY_POINTS.contains(&export.name) {
            return Ok(());
        }
        self.entry_points += 1;
        utils::parse_export(self, exports, export)
    }

    fn memory_type(&mut self, memory: wasmparser::MemoryType) -> Result<MemoryType, Error<Infallible>> {
        let memory = utils::memory_type(self, memory);
        Ok(MemoryType {
            maximum: Some(MEMORY_PAGES),
            ..memory
        })
    }

    fn parse_custom_section(
        &mut self,
        _module: &mut Module,
        _section: CustomSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, CustomSection, EntityType, ExportKind, Function, FunctionSection, GlobalSection, ImportSection,
        TypeSection, ValType,
    };

    use super::*;

    /// Like what the linker leaves: an import without a bound, an exported global, a name section.
    fn linked(exports: &[&str], body: &Function) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        let memory = MemoryType {
            minimum: 2,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        imports.import("env", "memory", EntityType::Memory(memory));
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut globals = GlobalSection::new();
        let heap_base = wasm_encoder::GlobalType {
            val_type: ValType::I32,
            mutable: false,
            shared: false,
        };
        globals.global(heap_base, &wasm_encoder::ConstExpr::i32_const(65_536));
        let mut exported = ExportSection::new();
        for name in exports {
            exported.export(name, ExportKind::Func, 0);
        }
        exported.export("__heap_base", ExportKind::Global, 0);
        let mut code = CodeSection::new();
        code.function(body);

        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&globals)
            .section(&exported);
        module.section(&code).section(&CustomSection {
            name: "producers".into(),
            data: [0].as_slice().into(),
        });
        module.finish()
    }

    fn empty_body() -> Function {
        let mut body = Function::new([]);
        body.instructions().end();
        body
    }

    #[test]
    fn keeps_entry_points_bounds_memory_and_drops_the_rest() {
        let wasm = for_chain(&linked(&["call", "deploy", "helper"], &empty_body())).expect("an acceptable contract");
        let mut exports = Vec::new();
        let mut memories = Vec::new();
        for payload in Parser::new(0).parse_all(&wasm) {
            match payload.expect("a valid module") {
                Payload::ExportSection(section) => {
                    exports.extend(
                        section
                            .into_iter()
                            .map(|export| export.expect("an export").name.to_owned()),
                    );
                }
                Payload::ImportSection(section) => {
                    memories.extend(section.into_iter().map(|import| import.expect("an import").ty));
                }
                Payload::CustomSection(section) => panic!("custom section `{}` is still there", section.name()),
                _ => {}
            }
        }
        assert_eq!(exports, ["call", "deploy"]);
        let [wasmparser::TypeRef::Memory(memory)] = memories[..] else {
            panic!("one memory, not {memories:?}")
        };
        assert_eq!((memory.initial, memory.maximum), (2, Some(MEMORY_PAGES)));
    }

    #[test]
    fn does_nothing_to_its_own_output() {
        let once = for_chain(&linked(&["call", "deploy"], &empty_body())).expect("an acceptable contract");
        assert_eq!(for_chain(&once).expect("still acceptable"), once);
    }

    #[test]
    fn refuses_a_module_that_is_no_contract() {
        let error = for_chain(&linked(&["call"], &empty_body())).expect_err("no `deploy`");
        assert_eq!(error.to_string(), "it doesn't export both `call` and `deploy`");
    }

    #[test]
    fn refuses_instructions_that_the_chain_refuses() {
        let mut memory_fill = Function::new([]);
        memory_fill
            .instructions()
            .i32_const(0)
            .i32_const(0)
            .i32_const(0)
            .memory_fill(0)
            .end();
        let mut float = Function::new([]);
        float.instructions().f32_const(1.0.into()).drop().end();
        for body in [memory_fill, float] {
            let error = for_chain(&linked(&["call", "deploy"], &body)).expect_err("a forbidden instruction");
            assert_eq!(error.to_string(), "it uses what pallet-contracts forbids");
        }
    }

    #[test]
    fn finds_custom_sections() {
        let wasm = linked(&["call"], &empty_body());
        assert!(has_custom_section(&wasm, "producers").expect("a valid module"));
        assert!(!has_custom_section(&wasm, "runtime_version").expect("a valid module"));
    }
}
