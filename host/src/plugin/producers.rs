//! What made a file, as its tools wrote into it: the `producers` sections of modules and components. Hearsay, for a person; must not
//! decide anything.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};

use super::text;

/// The most names that are kept of a field, and the longest name or version, in bytes.
const NAMES: usize = 32;
const NAME_BYTES: usize = 64;

/// The fields that tools write, in the order in which they are shown.
const FIELDS: [&str; 3] = ["language", "processed-by", "sdk"];

/// Name and version of each language, tool and kit that took part, by field. Nested modules and components count as well; what
/// cannot be read is left out.
pub fn producers(bytes: &[u8]) -> Vec<(&'static str, Vec<String>)> {
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        if let KnownCustom::Producers(section) = section.as_known() {
            collect(section, &mut found);
        }
    }
    let shown = |field| Some((field, found.remove(field)?.into_iter().collect()));
    FIELDS.into_iter().filter_map(shown).collect()
}

fn collect<'a>(
    section: ProducersSectionReader<'a>,
    found: &mut BTreeMap<&'a str, BTreeSet<String>>,
) {
    for field in section.into_iter().map_while(Result::ok) {
        if !FIELDS.contains(&field.name) {
            continue;
        }
        let known = found.entry(field.name).or_default();
        for value in field.values.into_iter().map_while(Result::ok) {
            let (name, version) = (value.name, value.version);
            let shown = [name, version].map(|part| text::tame(part.trim(), NAME_BYTES)).join(" ");
            if known.len() < NAMES {
                known.insert(shown.trim().to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::guests::text;

    /// A module that carries a `producers` section.
    fn module(fields: &str) -> String {
        format!("(module (@producers {fields}))")
    }

    fn told(wat: &str) -> Vec<(&'static str, Vec<String>)> {
        producers(&wat::parse_str(wat).unwrap())
    }

    #[test]
    fn what_made_a_module_is_told_with_its_versions() {
        let fields = r#"(processed-by "rustc" "1.95.0") (language "Rust" "") (sdk "kit" "0.2")"#;
        let expected = [
            ("language", vec!["Rust".to_owned()]),
            ("processed-by", vec!["rustc 1.95.0".to_owned()]),
            ("sdk", vec!["kit 0.2".to_owned()]),
        ];
        assert_eq!(told(&module(fields)), expected);
    }

    #[test]
    fn what_made_the_modules_inside_a_component_is_told_once() {
        let inner = r#"(core module (@producers (language "C11" "")))"#;
        let other = r#"(component (core module (@producers (language "C11" "") (processed-by "clang" "19"))))"#;
        let expected =
            [("language", vec!["C11".to_owned()]), ("processed-by", vec!["clang 19".to_owned()])];
        assert_eq!(told(&format!("(component {inner} {other})")), expected);
    }

    #[test]
    fn names_cannot_forge_lines_and_are_capped() {
        let many: Vec<String> =
            (0..100).map(|n| format!("(language \"l{n:03}\\n\\1b[31m\" \"\")")).collect();
        for (_, names) in told(&module(&many.concat())) {
            assert!(names.len() <= NAMES);
            assert!(names.iter().all(|name| name.ends_with("\\n\\u{1b}[31m")), "{names:?}");
        }
        let long = told(&module(&format!("(language \"{}\" \"\")", "x".repeat(1_000))));
        assert!(long[0].1[0].len() < NAME_BYTES + 4);
    }

    #[test]
    fn what_is_no_section_of_the_kind_is_left_out() {
        assert_eq!(told(&text("pass")), []);
        assert_eq!(producers(b"no module"), []);
        let cut = wat::parse_str("(module (@custom \"producers\" \"\\05\\09\"))").unwrap();
        assert_eq!(producers(&cut), []);
    }
}
