//! The loader against the index: what it does not find, no other test here would miss.

use std::collections::BTreeMap;

use lockgate_tests::corpora::{Corpora, Kind};

#[test]
fn every_object_of_every_file_is_counted_as_the_index_has_it() {
    let Some(corpora) = Corpora::find() else { return };
    let mut events = 0;
    for file in corpora.files().unwrap() {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for event in file.events() {
            *found.entry(event.kind.as_str().to_owned()).or_default() += 1;
        }
        let listed = &file.listed;
        assert_eq!(found, listed.kinds, "{}", listed.name);
        // The index counts as events what some tool wrote.
        let other = found.get(Kind::Other.as_str()).copied().unwrap_or_default();
        assert_eq!(found.values().sum::<usize>() - other, listed.count, "{}", listed.name);
        events += listed.count;
    }
    assert_eq!(events, 2_464);
}
