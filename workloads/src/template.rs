//! Text and JSON with fields: `/kv/{{key}}`, `{ "value": "{{value}}" }`, `Bearer ${TOKEN}`.
//!
//! A field is `{{name}}`, or `{{name.member}}` for what is inside of it: a member of an object or
//! an element of a list, counted from 0. `${NAME}` is a variable of the environment; its value is
//! looked up by whoever renders, so that a template can be kept and shown without it.

use serde_json::{Map, Value};

/// Looks a field up by the first part of its name.
pub type Fields<'a> = &'a (dyn Fn(&str) -> Option<Value> + Sync);

/// Text with fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
    Variable(String),
}

/// The text is no template, or a field has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("`{{{{` in `{text}` is not closed: write `{{{{key}}}}`")]
    Open { text: String },
    #[error("`{{{{{name}}}}}` in `{text}` is no name of a field")]
    Name { name: String, text: String },
    #[error("there is no `{{{{{name}}}}}` here")]
    Missing { name: String },
    #[error("the environment variable {name} is not set")]
    Unset { name: String },
}

impl Template {
    /// Reads fields, and takes `${…}` for text: that is the shell's.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let open = || TemplateError::Open { text: text.to_owned() };
            let (name, after) = after.split_once("}}").ok_or_else(open)?;
            let inside = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            let name = name.trim();
            if name.is_empty() || !name.chars().all(inside) {
                let (name, text) = (name.to_owned(), text.to_owned());
                return Err(TemplateError::Name { name, text });
            }
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Field(name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// Reads fields and `${NAME}`.
    pub fn parse_with_variables(text: &str) -> Result<Self, TemplateError> {
        let pieces = Self::parse(text)?.0.into_iter().flat_map(|piece| match piece {
            Piece::Text(text) => variables(&text),
            piece => vec![piece],
        });
        Ok(Self(pieces.collect()))
    }

    /// The names of its fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The text with its fields filled in, each changed by `encode`.
    pub fn render(
        &self,
        fields: Fields<'_>,
        encode: impl Fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(known) => text.push_str(known),
                Piece::Field(name) => text.push_str(&encode(&as_text(&field(name, fields)?))),
                Piece::Variable(name) => text.push_str(&variable(name)?),
            }
        }
        Ok(text)
    }

    /// The text with its fields filled in as they are.
    pub fn text(&self, fields: Fields<'_>) -> Result<String, TemplateError> {
        self.render(fields, str::to_owned)
    }

    /// As in JSON: a field that stands alone keeps its type, everything else is text.
    fn value(&self, fields: Fields<'_>) -> Result<Value, TemplateError> {
        match self.0.as_slice() {
            [Piece::Field(name)] => field(name, fields),
            _ => self.text(fields).map(Value::String),
        }
    }
}

/// JSON whose strings are templates, those that name the members of objects too.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate {
    Text(Template),
    List(Vec<JsonTemplate>),
    Object(Vec<(Template, JsonTemplate)>),
    /// A number, `true`, `false` or `null`.
    Plain(Value),
}

impl JsonTemplate {
    pub fn parse(json: &Value) -> Result<Self, TemplateError> {
        Ok(match json {
            Value::String(text) => Self::Text(Template::parse_with_variables(text)?),
            Value::Array(items) => {
                Self::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| {
                    Ok((Template::parse(name)?, Self::parse(value)?))
                };
                Self::Object(members.iter().map(member).collect::<Result<_, _>>()?)
            }
            plain => Self::Plain(plain.clone()),
        })
    }

    /// All templates in it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(text) => vec![text],
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members
                .iter()
                .flat_map(|(name, value)| std::iter::once(name).chain(value.templates()))
                .collect(),
            Self::Plain(_) => Vec::new(),
        }
    }

    pub fn render(&self, fields: Fields<'_>) -> Result<Value, TemplateError> {
        Ok(match self {
            Self::Text(text) => text.value(fields)?,
            Self::List(items) => Value::Array(
                items.iter().map(|item| item.render(fields)).collect::<Result<_, _>>()?,
            ),
            Self::Object(members) => {
                let mut object = Map::new();
                for (name, value) in members {
                    object.insert(name.text(fields)?, value.render(fields)?);
                }
                Value::Object(object)
            }
            Self::Plain(plain) => plain.clone(),
        })
    }
}

fn variables(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let named = after.split_once('}').filter(|(name, _)| {
            let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty() && name.chars().all(inside)
        });
        let Some((name, after)) = named else { break };
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(Piece::Variable(name.to_owned()));
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    pieces
}

/// The value of a variable of the environment.
pub fn variable(name: &str) -> Result<String, TemplateError> {
    std::env::var(name).map_err(|_| TemplateError::Unset { name: name.to_owned() })
}

fn field(name: &str, fields: Fields<'_>) -> Result<Value, TemplateError> {
    let missing = || TemplateError::Missing { name: name.to_owned() };
    let mut parts = name.split('.');
    let mut value = parts.next().and_then(fields).ok_or_else(missing)?;
    for part in parts {
        let inner = match &value {
            Value::Object(members) => members.get(part).cloned(),
            Value::Array(items) => {
                part.parse::<usize>().ok().and_then(|place| items.get(place).cloned())
            }
            _ => None,
        };
        value = inner.ok_or_else(missing)?;
    }
    Ok(value)
}

/// A string as it is, anything else as JSON.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn fields(name: &str) -> Option<Value> {
        match name {
            "key" => Some(json!("k 1/2")),
            "value" => Some(json!([3, {"to": "b"}])),
            "node" => Some(json!({"ip": "10.0.0.1"})),
            _ => None,
        }
    }

    fn text(template: &str) -> Result<String, TemplateError> {
        Template::parse_with_variables(template)?.text(&fields)
    }

    #[test]
    fn fields_are_filled_in() {
        assert_eq!(text("http://{{node.ip}}:80/{{ key }}").unwrap(), "http://10.0.0.1:80/k 1/2");
        assert_eq!(text("{{value.0}} to {{value.1.to}}").unwrap(), "3 to b");
        assert_eq!(text("a $ b ${ c } {d}").unwrap(), "a $ b ${ c } {d}");
        assert_eq!(
            Template::parse("${HOME} {{key}}").unwrap().text(&fields).unwrap(),
            "${HOME} k 1/2"
        );
    }

    #[test]
    fn in_json_a_field_alone_keeps_its_type() {
        let body = json!({"data": {"{{value.1.to}}": "{{value.0}}", "n": 1}, "all": ["{{value}}", "v{{value.0}}"]});
        let rendered = JsonTemplate::parse(&body).unwrap().render(&fields).unwrap();
        assert_eq!(rendered, json!({"data": {"b": 3, "n": 1}, "all": [[3, {"to": "b"}], "v3"]}));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |template: &str| text(template).unwrap_err().to_string();
        assert_eq!(error("{{value.7}}"), "there is no `{{value.7}}` here");
        assert_eq!(error("{{kye}}"), "there is no `{{kye}}` here");
        assert_eq!(error("/{{key"), "`{{` in `/{{key` is not closed: write `{{key}}`");
        assert_eq!(error("/{{a b}}"), "`{{a b}}` in `/{{a b}}` is no name of a field");
        assert_eq!(
            error("${ISOBAR_TEST_NEVER_SET}"),
            "the environment variable ISOBAR_TEST_NEVER_SET is not set"
        );
    }
}
