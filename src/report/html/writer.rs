//! The one place where values become markup.
//!
//! Names of elements and attributes are constants of the program, everything else is escaped:
//! there is no way to write a value as markup. The only ready-made markup let in is a drawing of
//! ours ([`Svg`]).

use std::borrow::Cow;

use super::super::plots::Svg;
use super::super::words;

/// Characters of one text node or attribute; more is cut, and says so.
const TEXT_CHARS: usize = 4000;
/// For text which is the reader's own, as the specification.
const LONG_TEXT_CHARS: usize = 200_000;

/// Names are constants, values are anybody's.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A growing piece of a page.
#[derive(Default)]
pub struct Html {
    out: String,
}

impl Html {
    /// An element and what is inside it; closed whatever `inside` does.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        self.out.push('>');
        inside(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        if starts_a_line(name) {
            self.out.push('\n');
        }
    }

    /// An element with text in it.
    pub fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(name, attributes, |html| html.text(text));
    }

    /// An element without content.
    pub fn void(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.open(name, attributes);
        self.out.push_str("/>");
    }

    pub fn text(&mut self, text: &str) {
        self.push_escaped(text, TEXT_CHARS);
    }

    /// As [`Html::text`], for texts which may be long.
    pub fn long_text(&mut self, text: &str) {
        self.push_escaped(text, LONG_TEXT_CHARS);
    }

    pub fn drawing(&mut self, svg: &Svg) {
        self.out.push_str(svg.as_str());
    }

    pub fn into_string(self) -> String {
        self.out
    }

    fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes {
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            self.push_escaped(value, TEXT_CHARS);
            self.out.push('"');
        }
    }

    fn push_escaped(&mut self, text: &str, limit: usize) {
        let short = words::shorten(text, limit);
        for c in words::visible(&short).chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                other => self.out.push(other),
            }
        }
    }
}

/// Elements after which the page's source goes on in a new line, for those who read or diff it.
fn starts_a_line(name: &str) -> bool {
    matches!(
        name,
        "header"
            | "nav"
            | "main"
            | "section"
            | "table"
            | "tr"
            | "p"
            | "li"
            | "ol"
            | "ul"
            | "dl"
            | "dd"
            | "h1"
            | "h2"
            | "h3"
            | "g"
            | "svg"
            | "figure"
            | "details"
            | "pre"
            | "div"
    )
}

/// `path` as a relative reference: everything but unreserved characters (RFC 3986 §2.3) and the
/// slash is percent-encoded, so that no file name makes a scheme, a query or markup.
pub fn relative_reference(path: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    if path.bytes().all(plain) {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len() * 2);
    for byte in path.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(make: impl FnOnce(&mut Html)) -> String {
        let mut html = Html::default();
        make(&mut html);
        html.into_string()
    }

    #[test]
    fn values_are_text_never_markup() {
        let evil = "</script><img src=x onerror='alert(1)'>&\"";
        let out = html(|h| h.leaf("b", &[("title", evil)], evil));
        let text = "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;&quot;";
        assert_eq!(out, format!("<b title=\"{text}\">{text}</b>"));
    }

    #[test]
    fn what_hides_or_is_too_long_is_told() {
        let out = html(|h| h.text("a\0\u{202e}b"));
        assert_eq!(out, "a⟨U+0000⟩⟨U+202E⟩b");
        let out = html(|h| h.text(&"z".repeat(1 << 20)));
        assert!(out.len() < 5000 && out.ends_with("… (1,048,576 characters)"));
    }

    #[test]
    fn a_path_is_never_a_scheme_nor_a_query() {
        assert_eq!(relative_reference("nodes/n1/etcd.log"), "nodes/n1/etcd.log");
        assert_eq!(relative_reference("nodes/javascript:x?\"#"), "nodes/javascript%3Ax%3F%22%23");
    }
}
