//! Paths into JSON: JSON pointers (RFC 6901) in which a whole segment may be a wildcard.

use std::fmt;

use super::text::unescape;

/// A deeper path could be walked only by more stack than a plugin has.
const DEEPEST: usize = 256;

/// Names places in JSON: `/contact/email`, `/contacts/*/email`. A segment `*` stands for every member of an object and every
/// element of an array, a segment `\*` for a member of that name; `~1` is a slash and `~0` a tilde, as in RFC 6901.
///
/// Paths order by how exactly they name a place, from the first segment on: names come before wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    pub(super) segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment {
    Name(Box<str>),
    Any,
}

impl Path {
    /// Reads a path; the empty text names the whole value. The error says what is wrong, for the author of the settings.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let Some(segments) = text.strip_prefix('/') else {
            return Err(format!("the path {text:?} does not start with \"/\""));
        };
        let segments = segments.split('/').map(|segment| Segment::parse(segment, text));
        let segments: Vec<Segment> = segments.collect::<Result<_, _>>()?;
        if segments.len() > DEEPEST {
            return Err(format!("a path is more than {DEEPEST} segments deep"));
        }
        Ok(Self { segments })
    }

    /// The path through members of these names, taken as they are.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self { segments: names.into_iter().map(|name| Segment::Name(name.into())).collect() }
    }

    /// The number of its segments.
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether it names the whole value.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether it may name more than one place.
    pub fn has_wildcard(&self) -> bool {
        self.segments.contains(&Segment::Any)
    }

    /// The same as a JSON pointer, for a [`Field`](crate::Field); none where it has a wildcard.
    pub fn pointer(&self) -> Option<String> {
        let mut pointer = String::new();
        for segment in &self.segments {
            let Segment::Name(name) = segment else { return None };
            pointer.push('/');
            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        Some(pointer)
    }

    /// Whether some place that one of the two names lies inside one that the other names.
    pub fn nests_with(&self, other: &Self) -> bool {
        let meet = self.segments.iter().zip(&other.segments).all(|(a, b)| match (a, b) {
            (Segment::Name(a), Segment::Name(b)) => a == b,
            _ => true,
        });
        meet && self.segments.len() != other.segments.len()
    }

    /// What is left of it inside the place that `names` lead to, one a segment; empty where that place is, or lies inside, one
    /// that this path names. None where they lead elsewhere.
    pub fn below<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let mut rest = self.segments.as_slice();
        for name in names {
            let Some((segment, after)) = rest.split_first() else { break };
            if !segment.is(name) {
                return None;
            }
            rest = after;
        }
        Some(Self { segments: rest.to_vec() })
    }
}

impl Segment {
    fn parse(text: &str, path: &str) -> Result<Self, String> {
        if text.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
            return Err(format!("the path {path:?} has a tilde that is not followed by 0 or 1"));
        }
        if text == "*" {
            return Ok(Self::Any);
        }
        // A name that silently stood for itself would leave in clear what its author meant to cover.
        if text.replace("\\*", "").contains('*') {
            return Err(format!(
                "the path {path:?} has {text:?}: only a whole segment can be \"*\", any one member or element; write \
                 \"\\*\" for the character itself"
            ));
        }
        Ok(Self::Name(text.replace("\\*", "*").replace("~1", "/").replace("~0", "~").into()))
    }

    fn is(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(wanted) => **wanted == *name,
        }
    }

    /// Whether it names a member by the JSON string of its name.
    pub(super) fn is_member(&self, string: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(wanted) => unescape(string).is_some_and(|name| **wanted == *name),
        }
    }

    /// Whether it names the element at a position.
    pub(super) fn is_element(&self, position: usize) -> bool {
        match self {
            Self::Any => true,
            Self::Name(wanted) => {
                wanted.starts_with(|c: char| c.is_ascii_digit())
                    && **wanted == *position.to_string()
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Any => f.write_str("/*")?,
                Segment::Name(name) => {
                    let name = name.replace('~', "~0").replace('/', "~1").replace('*', "\\*");
                    write!(f, "/{name}")?;
                }
            }
        }
        Ok(())
    }
}
