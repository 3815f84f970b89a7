//! Gives a random module the honest parts of a real guest: what it says of itself and of tables. Knows only sections and bodies.

use std::collections::BTreeMap;

use wasm_encoder::{CodeSection, DataCountSection, DataSection, Module, RawSection, SectionId};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

/// Bodies by the name of their export, and all data, of a guest.
pub(crate) struct Honest<'a> {
    bodies: BTreeMap<String, &'a [u8]>,
    data: Vec<&'a [u8]>,
}

/// The number of each exported function, and of the first that is no import.
#[derive(Default)]
struct Functions {
    exported: BTreeMap<String, u32>,
    imported: u32,
}

impl<'a> Honest<'a> {
    /// Of `guest`, whose exports of these names do with nothing but its memory.
    pub(crate) fn of(guest: &'a [u8], exports: &[&str]) -> Self {
        let (functions, bodies) = (functions(guest), bodies(guest));
        let body = |name: &&str| {
            let number = functions.exported[*name] - functions.imported;
            ((*name).to_owned(), bodies[number as usize])
        };
        let data = payloads(guest).filter_map(|payload| match payload {
            Payload::DataSection(section) => Some(section),
            _ => None,
        });
        let segments = data.flatten().map(|segment| &guest[segment.unwrap().range]);
        Self { bodies: exports.iter().map(body).collect(), data: segments.collect() }
    }

    /// `random` with these bodies and this data.
    pub(crate) fn graft(&self, random: &[u8]) -> Vec<u8> {
        let functions = functions(random);
        let own: BTreeMap<u32, &&[u8]> =
            self.bodies.iter().map(|(name, body)| (functions.exported[name], body)).collect();
        let mut grafted = Module::new();
        let mut number = functions.imported;
        let mut code = CodeSection::new();
        let mut has_data = false;
        let mut has_code = false;
        for payload in payloads(random) {
            match payload {
                Payload::CodeSectionEntry(body) => {
                    code.raw(own.get(&number).copied().unwrap_or(&&random[body.range()]));
                    number += 1;
                    has_code = true;
                }
                Payload::DataCountSection { count, .. } => {
                    let count = count + u32::try_from(self.data.len()).unwrap();
                    grafted.section(&DataCountSection { count });
                }
                Payload::DataSection(section) => {
                    grafted.section(&code);
                    has_code = false;
                    let segments = section.into_iter().map(|segment| segment.unwrap().range);
                    let segments: Vec<&[u8]> = segments.map(|range| &random[range]).collect();
                    grafted.section(&self.with_data(&segments));
                    has_data = true;
                }
                other => {
                    if let Some((id, range)) = other.as_section()
                        && id != SectionId::Code as u8
                        && id != SectionId::Custom as u8
                    {
                        grafted.section(&RawSection { id, data: &random[range] });
                    }
                }
            }
        }
        if has_code {
            grafted.section(&code);
        }
        if !has_data {
            grafted.section(&self.with_data(&[]));
        }
        grafted.finish()
    }

    fn with_data(&self, others: &[&[u8]]) -> DataSection {
        let mut data = DataSection::new();
        for segment in others.iter().chain(&self.data) {
            data.raw(segment);
        }
        data
    }
}

fn payloads(module: &[u8]) -> impl Iterator<Item = Payload<'_>> {
    Parser::new(0).parse_all(module).map(|payload| payload.expect("the module is well-formed"))
}

fn bodies(module: &[u8]) -> Vec<&[u8]> {
    let bodies = payloads(module).filter_map(|payload| match payload {
        Payload::CodeSectionEntry(body) => Some(&module[body.range()]),
        _ => None,
    });
    bodies.collect()
}

fn functions(module: &[u8]) -> Functions {
    let mut functions = Functions::default();
    for payload in payloads(module) {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let is_function = matches!(import.unwrap().ty, TypeRef::Func(_));
                    functions.imported += u32::from(is_function);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.unwrap();
                    if export.kind == ExternalKind::Func {
                        functions.exported.insert(export.name.to_owned(), export.index);
                    }
                }
            }
            _ => {}
        }
    }
    functions
}
