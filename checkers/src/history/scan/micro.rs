//! A micro-operation as isobar writes it: `["r",7,null]`, `["append","k1",5]`, `["r",7,[1,2,5]]`.

use super::Scanner;
use super::cursor::Cursor;
use crate::history::eight::Short;
use crate::history::values::{Interner, ValueId};

impl Scanner {
    /// Function, key, and what was written or read, if it is such a one; if not, nothing is passed.
    pub(super) fn own_micro(
        &mut self,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
    ) -> Option<[ValueId; 3]> {
        let mut ahead = *cursor;
        let f = names.short(function(&mut ahead)?)?;
        let key = key(&mut ahead, names)?;
        let value = match ahead.element() {
            Some((value, true)) => names.integer(value),
            Some((_, false)) => return None,
            None if ahead.pass(b"null]").is_some() => ValueId::NULL,
            None => {
                ahead.pass(b"[")?;
                let list = self.list(key, &mut ahead, names)?;
                ahead.pass(b"]")?;
                list
            }
        };
        *cursor = ahead;
        Some([f, key, value])
    }

    /// The list that was read of a key, from behind its bracket.
    fn list(
        &mut self,
        key: ValueId,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
    ) -> Option<ValueId> {
        let elements = |scanner: &mut Self, names: &mut _| {
            let start = scanner.items.len();
            match scanner.usual_elements(key, cursor, names) {
                true => Some(()),
                false if scanner.items.len() == start => scanner.elements(cursor, names, 2),
                false => scanner.more_elements(cursor, names, 2),
            }
        };
        self.array(names, elements, Interner::array)
    }

    /// Small integers at the begin of a list, each with what is right behind it; whether that ends
    /// the list.
    fn usual_elements(
        &mut self,
        key: ValueId,
        cursor: &mut Cursor<'_>,
        names: &mut Interner,
    ) -> bool {
        let (last, text) = (self.lists.of(key), cursor.rest());
        let (known, mut end) = last.shared(text);
        self.items.extend_from_slice(known);
        cursor.skip(end);
        if end > 0 && cursor.token() == Some(b']') {
            return true;
        }
        last.keep(end);
        while let Some((number, ends)) = cursor.element() {
            let element = names.integer(number);
            self.items.push(element);
            let begin = std::mem::replace(&mut end, text.len() - cursor.rest().len() - 1);
            last.push(element, &text[begin..end]);
            if ends {
                return true;
            }
        }
        false
    }
}

fn function(cursor: &mut Cursor<'_>) -> Option<Short> {
    const READ: Short = Short::literal(b"r");
    const APPEND: Short = Short::literal(b"append");
    const WRITE: Short = Short::literal(b"w");
    if cursor.pass(b"[\"r\",").is_some() {
        return Some(READ);
    }
    if cursor.pass(b"[\"append\",").is_some() {
        return Some(APPEND);
    }
    cursor.pass(b"[\"w\",").map(|()| WRITE)
}

/// The key, and the comma behind it.
fn key(cursor: &mut Cursor<'_>, names: &mut Interner) -> Option<ValueId> {
    if let Some((key, ends)) = cursor.element() {
        return (!ends).then(|| names.integer(key));
    }
    cursor.pass(b"\"")?;
    // With a colon in front it is perhaps a keyword.
    if cursor.first() == Some(b':') {
        return None;
    }
    let key = cursor.plain()?.name(names)?;
    cursor.pass(b",")?;
    Some(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The value of a micro-operation, and what is left of the text.
    fn read(scanner: &mut Scanner, text: &str) -> Option<(Value, String)> {
        let mut names = Interner::default();
        let mut cursor = Cursor::new(text.as_bytes(), text.len());
        let micro = scanner.own_micro(&mut cursor, &mut names)?;
        assert!(scanner.items.is_empty());
        let values = micro.iter().map(|&id| names.values().get(id)).collect();
        Some((values, String::from_utf8(cursor.rest().to_vec()).unwrap()))
    }

    #[test]
    fn usual_ones_are_read_and_others_left() {
        let mut scanner = Scanner::default();
        for usual in [
            r#"["r",7,null]"#,
            r#"["r","k1",[]]"#,
            r#"["append",7,1234567]"#,
            r#"["w","a long name of a key",0]"#,
            r#"["r",7,[1,2,-3,null,[4],"five",12345678]]"#,
        ] {
            let (value, rest) = read(&mut scanner, &format!("{usual},1")).unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(usual).unwrap(), "{usual}");
            assert_eq!(rest, ",1");
        }
        for unusual in [
            "",
            "[",
            r#"["r",7]"#,
            r#"["r"]"#,
            r#"["r",7,null"#,
            r#"["r",7,null,1]"#,
            r#"["r",7,1,2]"#,
            r#"["r",7,[1],2]"#,
            r#"["r",":k",1]"#,
            r#"["r",7,[1,]]"#,
            r#"["r",7,[,1]]"#,
            r#"["r",7,[01]]"#,
            r#"["r",7,[1"#,
            r#"[":r",7,1]"#,
            r#"["x",7,1]"#,
        ] {
            assert!(read(&mut scanner, unusual).is_none(), "{unusual}");
        }
    }

    fn lists() -> impl Strategy<Value = Vec<String>> {
        let element = prop_oneof![
            8 => (0..13_u32).prop_map(|number| number.to_string()),
            1 => Just("111".to_owned()),
            1 => Just("\"1\"".to_owned()),
            1 => Just(" 1".to_owned()),
            1 => Just("-1".to_owned()),
            1 => Just("1 ".to_owned()),
        ];
        let list = prop::collection::vec(element, 0..6).prop_map(|elements| elements.join(","));
        prop::collection::vec(list, 1..20)
    }

    proptest! {
        /// Whatever lists came before.
        #[test]
        fn a_list_is_what_its_text_says(lists in lists()) {
            let mut scanner = Scanner::default();
            for list in lists {
                let text = format!(r#"["r",1,[{list}]]"#);
                let (value, rest) = read(&mut scanner, &text).unwrap();
                prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
                prop_assert_eq!(rest, "");
            }
        }
    }
}
