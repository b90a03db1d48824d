//! The text of a liberty file as a tree of groups.

/// `kind (arguments) { … }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// What it is: `cell`, `pin`, …
    pub kind: String,
    /// What stands in its parentheses.
    pub arguments: Vec<String>,
    /// `name : value;` and `name (values);`.
    attributes: Vec<(String, Vec<String>)>,
    groups: Vec<Group>,
}

impl Group {
    /// Reads a file's text; none if it is not a group.
    pub(crate) fn parse(text: &str) -> Option<Group> {
        let tokens = tokens(text)?;
        let mut rest = &tokens[..];
        let mut outside = Group::default();
        statement(&mut rest, &mut outside)?;
        outside.groups.pop()
    }

    /// The groups of a kind that are right inside.
    pub(crate) fn groups<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Group> {
        self.groups.iter().filter(move |group| group.kind == kind)
    }

    /// The name: what stands in the parentheses first.
    pub(crate) fn name(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    /// An attribute's value, or its first one.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).first().map(String::as_str)
    }

    /// An attribute's values, of which each may be a list of its own; none if it is not there.
    pub(crate) fn values(&self, name: &str) -> &[String] {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or(&[], |(_, values)| values)
    }

    /// An attribute's values as numbers, those of lists one after another; none if one is none.
    pub(crate) fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        let numbers = self.values(name).iter().flat_map(|list| list.split(','));
        numbers.map(|number| number.trim().parse().ok()).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Mark(char),
}

/// None if a string or a comment does not end.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = &comment[comment.find("*/")? + 2..];
        } else if let Some(string) = rest.strip_prefix('"') {
            let end = string.find('"')?;
            tokens.push(Token::Word(string[..end].to_string()));
            rest = &string[end + 1..];
        } else if "(){}:;,".contains(first) {
            tokens.push(Token::Mark(first));
            rest = &rest[1..];
        } else if first.is_whitespace() || first == '\\' {
            rest = &rest[first.len_utf8()..];
        } else {
            let is_end = |c: char| c.is_whitespace() || "(){}:;,\"\\".contains(c);
            let end = rest.find(is_end).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_string()));
            rest = &rest[end..];
        }
    }
    Some(tokens)
}

/// Reads one statement into the group that it stands in.
fn statement(rest: &mut &[Token], into: &mut Group) -> Option<()> {
    let Token::Word(name) = take(rest)? else { return None };
    match take(rest)? {
        Token::Mark(':') => {
            let Token::Word(value) = take(rest)? else { return None };
            into.attributes.push((name, vec![value]));
        }
        Token::Mark('(') => {
            let mut arguments = vec![];
            loop {
                match take(rest)? {
                    Token::Word(word) => arguments.push(word),
                    Token::Mark(',') => {}
                    Token::Mark(')') => break,
                    Token::Mark(_) => return None,
                }
            }
            if rest.first() == Some(&Token::Mark('{')) {
                take(rest)?;
                let mut group = Group { kind: name, arguments, ..Group::default() };
                while rest.first()? != &Token::Mark('}') {
                    statement(rest, &mut group)?;
                }
                take(rest)?;
                into.groups.push(group);
            } else {
                into.attributes.push((name, arguments));
            }
        }
        _ => return None,
    }
    // Some leave out the last semicolon of a group.
    while rest.first() == Some(&Token::Mark(';')) {
        take(rest)?;
    }
    Some(())
}

fn take(rest: &mut &[Token]) -> Option<Token> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_attributes_are_read() {
        let text = "library(l) { /* a { */ unit : \"1ns\"; load (1,pf);\n cell (A) { area : 32;\n\
                    pin(Y) { function : \"(A B)\"; t(x) { values ( \\\n \"1, 2\", \\\n \"3\"); } } }\
                    cell (B) { area : 8 } }";
        let library = Group::parse(text).unwrap();
        assert_eq!((library.name(), library.value("unit")), ("l", Some("1ns")));
        assert_eq!(library.values("load"), ["1", "pf"]);
        let cells: Vec<&Group> = library.groups("cell").collect();
        let areas: Vec<_> = cells.iter().map(|cell| cell.numbers("area").unwrap()).collect();
        assert_eq!(areas, [[32.0], [8.0]]);
        let pin = cells[0].groups("pin").next().unwrap();
        assert_eq!(pin.value("function"), Some("(A B)"));
        let values = pin.groups("t").next().unwrap().numbers("values");
        assert_eq!(values, Some(vec![1.0, 2.0, 3.0]));
        for broken in ["", "library(l) {", "library(l) { a : ; }", "library(l) { a : \"x; }", "/*"]
        {
            assert_eq!(Group::parse(broken), None, "{broken}");
        }
    }
}
