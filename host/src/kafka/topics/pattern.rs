//! Topic patterns as librdkafka subscribes to them: POSIX extended regular expressions that begin with `^`. Pure.

use crate::config::TopicPattern;

/// What to subscribe to for a pattern.
pub(in crate::kafka) fn subscription(pattern: &TopicPattern) -> String {
    match pattern {
        TopicPattern::Exact(name) => name.clone(),
        TopicPattern::Glob(glob) => regex(glob.glob()),
    }
}

/// A glob that `globset` has accepted as a regular expression for the same names.
fn regex(glob: &str) -> String {
    let mut out = String::from("^");
    let mut chars = glob.chars().peekable();
    let mut in_class = false;
    let mut alternatives = 0;
    while let Some(next) = chars.next() {
        match next {
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            _ if in_class => out.push(next),
            '[' => {
                in_class = true;
                out.push('[');
                if let Some('!' | '^') = chars.peek() {
                    chars.next();
                    out.push('^');
                }
                // A bracket right at the start stands for itself.
                if let Some(']') = chars.peek() {
                    chars.next();
                    out.push(']');
                }
            }
            '*' => {
                while chars.peek() == Some(&'*') {
                    chars.next();
                }
                out.push_str(".*");
            }
            '?' => out.push('.'),
            '{' => {
                alternatives += 1;
                out.push('(');
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                out.push(')');
            }
            ',' if alternatives > 0 => out.push('|'),
            '\\' => literal(chars.next().unwrap_or('\\'), &mut out),
            other => literal(other, &mut out),
        }
    }
    out.push('$');
    out
}

fn literal(character: char, out: &mut String) {
    if matches!(character, '.' | '\\' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | '{' | '^' | '$') {
        out.push('\\');
    }
    out.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_become_regular_expressions() {
        for (glob, expected) in [
            ("shop.public.*", r"^shop\.public\..*$"),
            ("shop.**", r"^shop\..*$"),
            ("a?c", "^a.c$"),
            ("t-[0-9]", "^t-[0-9]$"),
            ("t-[!a.]", "^t-[^a.]$"),
            ("{eu,us}.orders", r"^(eu|us)\.orders$"),
            ("a,b", "^a,b$"),
            (r"a\*b", r"^a\*b$"),
        ] {
            let pattern = TopicPattern::Glob(globset::Glob::new(glob).unwrap());
            assert_eq!(subscription(&pattern), expected, "{glob}");
        }
    }

    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(subscription(&TopicPattern::Exact("shop.orders".to_owned())), "shop.orders");
    }
}
