//! Turns CEL into a program. What our evaluator does not know is refused here, by name, so that no row ever meets it.

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, operators};
use cel::parser::{ParseErrors, PrattParser};
use lockgate_plugin::{Field, Image};
use regex_lite::Regex;

use crate::literals;
use crate::program::{Comparison, Literal, Operand, Place, Program, Search, Test};

/// Deeper nesting serves no expression and would take the stack of a plugin.
const MAX_DEPTH: u16 = 64;
/// In bytes. A chain of names is as deep as it is long, and the parser does not bound it.
const MAX_LEN: usize = 8 * 1024;

/// Names that stand for what the gateway knows of a record, and the gateway's own names for them.
const META: [(&str, &str); 8] = [
    ("op", "operation"),
    ("table", "table"),
    ("schema", "schema"),
    ("database", "database"),
    ("topic", "topic"),
    ("partition", "partition"),
    ("offset", "offset"),
    ("timestamp", "timestamp"),
];

const IMAGES: [(&str, Image); 5] = [
    ("before", Image::Before),
    ("after", Image::After),
    ("key", Image::Key),
    ("header", Image::Header),
    ("headers", Image::Header),
];

pub(crate) fn program(text: &str) -> Result<Program, String> {
    if text.len() > MAX_LEN {
        return Err(format!("it is longer than {MAX_LEN} bytes"));
    }
    literals::check(text)?;
    let parser = PrattParser::new().max_recursion_depth(MAX_DEPTH);
    let expression = parser.parse(text).map_err(|errors| first_mistake(&errors))?;
    let mut compiler = Compiler::default();
    let root = compiler.test(&expression)?;
    Ok(Program { root, places: compiler.places })
}

/// One mistake leads the parser to find more behind it.
fn first_mistake(errors: &ParseErrors) -> String {
    let Some(error) = errors.errors.first() else { return "it cannot be parsed".into() };
    match error.pos {
        (0, _) => error.msg.clone(),
        (line, column) => format!("line {line}, column {column}: {}", error.msg),
    }
}

#[derive(Default)]
struct Compiler {
    places: Vec<Place>,
}

impl Compiler {
    fn test(&mut self, expression: &IdedExpr) -> Result<Test, String> {
        match &expression.expr {
            Expr::Call(call) => match self.call(call)? {
                Operand::Test(test) => Ok(*test),
                Operand::Size(_) => {
                    Err("\"size\" gives a number where true or false is needed".into())
                }
                operand => Ok(Test::Holds(operand)),
            },
            Expr::Select(select) if select.test => self.has(select),
            Expr::Literal(LiteralValue::Boolean(_)) | Expr::Ident(_) | Expr::Select(_) => {
                Ok(Test::Holds(self.operand(expression)?))
            }
            Expr::Literal(_) => Err("a literal stands where true or false is needed".into()),
            other => Err(unsupported(other)),
        }
    }

    fn operand(&mut self, expression: &IdedExpr) -> Result<Operand, String> {
        match &expression.expr {
            Expr::Literal(value) => literal(value).map(Operand::Literal),
            Expr::Ident(_) => self.place(expression),
            Expr::Select(select) if !select.test => self.place(expression),
            Expr::Select(select) => Ok(Operand::Test(Box::new(self.has(select)?))),
            Expr::Call(call) => self.call(call),
            other => Err(unsupported(other)),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<Operand, String> {
        // The subject of a method and the arguments of a function are alike from here on.
        let arguments: Vec<&IdedExpr> =
            call.target.as_deref().into_iter().chain(&call.args).collect();
        let name = call.func_name.as_str();
        let test = match (name, arguments.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => {
                Test::And(Box::new([self.test(left)?, self.test(right)?]))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                Test::Or(Box::new([self.test(left)?, self.test(right)?]))
            }
            (operators::LOGICAL_NOT, [operand]) => Test::Not(Box::new(self.test(operand)?)),
            (operators::IN, [item, list]) => self.contained(item, list)?,
            (operators::INDEX, [place, index]) => return self.index(place, index),
            ("size", [operand]) => return Ok(Operand::Size(Box::new(self.operand(operand)?))),
            ("matches", [text, pattern]) => self.matches(text, pattern)?,
            (_, [left, right]) => {
                if let Some(comparison) = comparison(name) {
                    Test::Compare {
                        comparison,
                        left: self.operand(left)?,
                        right: self.operand(right)?,
                    }
                } else if let (Some(search), Some(_)) = (search(name), &call.target) {
                    Test::Text { search, text: self.operand(left)?, wanted: self.operand(right)? }
                } else {
                    return Err(unsupported_call(name));
                }
            }
            _ => return Err(unsupported_call(name)),
        };
        Ok(Operand::Test(Box::new(test)))
    }

    fn contained(&mut self, item: &IdedExpr, list: &IdedExpr) -> Result<Test, String> {
        let Expr::List(ListExpr { elements, .. }) = &list.expr else {
            return Err("\"in\" needs a list that is written out: [\"a\", \"b\"]".into());
        };
        let item = self.operand(item)?;
        let list =
            elements.iter().map(|element| self.operand(element)).collect::<Result<_, _>>()?;
        Ok(Test::In { item, list })
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Result<Test, String> {
        let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
            return Err("\"matches\" needs a pattern that is written out".into());
        };
        let pattern = Regex::new(pattern.inner())
            .map_err(|error| format!("reading the pattern {:?}: {error}", pattern.inner()))?;
        Ok(Test::Matches { text: self.operand(text)?, pattern })
    }

    fn has(&mut self, select: &SelectExpr) -> Result<Test, String> {
        let select = SelectExpr { test: false, ..select.clone() };
        match self.place(&IdedExpr { id: 0, expr: Expr::Select(select) })? {
            Operand::Place(place) => Ok(Test::Has(place)),
            _ => Err("\"has\" needs a field such as after.email".into()),
        }
    }

    fn index(&mut self, place: &IdedExpr, index: &IdedExpr) -> Result<Operand, String> {
        let target = Some(Box::new(place.clone()));
        let func_name = operators::INDEX.to_owned();
        let call = CallExpr { func_name, target, args: vec![index.clone()] };
        self.place(&IdedExpr { id: 0, expr: Expr::Call(call) })
    }

    /// `op`, `after.email`, `after["odd name"]`, `headers["x"]`, `after.profile.emails[0]`.
    fn place(&mut self, expression: &IdedExpr) -> Result<Operand, String> {
        let (root, steps) = chain(expression)?;
        let meta = META.iter().find(|(name, _)| *name == root);
        let image = IMAGES.iter().find(|(name, _)| *name == root);
        let field = match (meta, image, steps.split_first()) {
            (Some((_, name)), _, None) => Field::meta(*name),
            (Some(_), _, Some(_)) => return Err(format!("{root:?} has no fields")),
            (_, Some(_), None) => {
                return Err(format!(
                    "{root:?} stands alone: name a field of it, as in {root}.name"
                ));
            }
            (_, Some((_, image)), Some((name, pointer))) => {
                Field::new(*image, name).at(pointer_to(pointer))
            }
            (None, None, _) => return Err(no_such_name(root)),
        };
        let place = Place { field };
        let known = self.places.iter().position(|known| *known == place);
        Ok(Operand::Place(known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        })))
    }
}

/// The identifier that a chain of `.name` and `[index]` starts with, and the steps from there.
fn chain(expression: &IdedExpr) -> Result<(&str, Vec<String>), String> {
    let mut steps = Vec::new();
    let mut at = expression;
    loop {
        at = match &at.expr {
            Expr::Ident(root) => {
                steps.reverse();
                return Ok((root, steps));
            }
            Expr::Select(select) if !select.test => {
                steps.push(select.field.clone());
                &select.operand
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let mut arguments = call.target.as_deref().into_iter().chain(&call.args);
                let (Some(place), Some(index)) = (arguments.next(), arguments.next()) else {
                    return Err(unsupported_call(&call.func_name));
                };
                steps.push(step(index)?);
                place
            }
            _ => {
                return Err(
                    "a field is asked of something that is none of an event's images".into()
                );
            }
        };
    }
}

fn step(index: &IdedExpr) -> Result<String, String> {
    match &index.expr {
        Expr::Literal(LiteralValue::String(name)) => Ok(name.inner().to_owned()),
        Expr::Literal(LiteralValue::Int(index)) if *index.inner() >= 0 => {
            Ok(index.inner().to_string())
        }
        _ => Err("an index is no name and no number that is written out".into()),
    }
}

fn pointer_to(steps: &[String]) -> String {
    steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}

fn no_such_name(name: &str) -> String {
    let names: Vec<&str> =
        META.iter().map(|(name, _)| *name).chain(IMAGES.iter().map(|(name, _)| *name)).collect();
    format!("{name:?} names nothing of an event: the names are {}", names.join(", "))
}

fn literal(value: &LiteralValue) -> Result<Literal, String> {
    Ok(match value {
        LiteralValue::Null => Literal::Null,
        LiteralValue::Boolean(value) => Literal::Boolean(*value.inner()),
        LiteralValue::Int(value) => Literal::Number(value.inner().to_string()),
        LiteralValue::UInt(value) => Literal::Number(value.inner().to_string()),
        // The shortest decimal that stands for the double, which `literals` found to be the one that was written.
        LiteralValue::Double(value) => Literal::Number(value.inner().to_string()),
        LiteralValue::String(text) => Literal::String(text.inner().to_owned()),
        LiteralValue::Bytes(bytes) => Literal::Bytes(bytes.inner().to_vec()),
    })
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn search(name: &str) -> Option<Search> {
    Some(match name {
        "startsWith" => Search::StartsWith,
        "endsWith" => Search::EndsWith,
        "contains" => Search::Contains,
        _ => return None,
    })
}

const SUPPORTED: &str =
    "==, !=, <, <=, >, >=, &&, ||, !, in, has, size, startsWith, endsWith, contains, matches";

fn unsupported_call(name: &str) -> String {
    let name: String = name.chars().filter(|char| *char != '_').collect();
    format!("{name:?} is not supported here: an expression may use {SUPPORTED}")
}

fn unsupported(expression: &Expr) -> String {
    let name = match expression {
        Expr::Comprehension(_) => "a macro such as \"all\", \"exists\", \"map\" or \"filter\"",
        Expr::List(_) => "a list outside of \"in\"",
        Expr::Map(_) => "a map",
        Expr::Struct(_) => "a message",
        _ => "this form",
    };
    format!("{name} is not supported here: an expression may use {SUPPORTED}")
}
