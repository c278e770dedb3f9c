//! The operations of each workload as requests.

use serde_json::{Map, Value, json};

use super::Task;
use super::client::StrapiClient;
use super::outcome::Stop;
use crate::Invocation;

/// The most that the project's `config/api.js` gives at once. A list as long as this may not be
/// whole, so nothing is concluded from it.
const PAGE_MAX: usize = 100_000;
/// Blocks of an article, besides its fields a and b.
const BLOCKS: usize = 3;

/// What an operation gives back.
type Performed = Result<Value, Stop>;

impl StrapiClient {
    pub(super) async fn perform(&mut self, invocation: &Invocation) -> Performed {
        let Invocation { f, key, value } = invocation;
        let key = key.as_ref().and_then(Value::as_str).unwrap_or_default();
        match (self.task, f.as_str()) {
            (Task::Register, "read") => self.read_field("registers", "value", key).await,
            (Task::Register, "write") => {
                let path = self.path("registers", key, Value::Null).await?;
                self.put(&path, json!({ "value": value })).await?;
                Ok(value.clone())
            }
            (Task::Append, "txn") => self.txn(value).await,
            (Task::Set, "add") => {
                self.post("/api/entries", json!({ "value": value })).await?;
                Ok(value.clone())
            }
            (Task::Set, "read") => self.column("/api/entries?fields[0]=value", "value").await,
            (Task::Counter, "read") => self.read_field("counters", "likes", key).await,
            (Task::Counter, "add") => self.add(key, value).await,
            (Task::Unique { indexed }, "generate") => {
                let path = if indexed { "/api/uregisters" } else { "/api/registers" };
                self.post(path, json!({ "key": value })).await?;
                Ok(value.clone())
            }
            (Task::Bank { .. }, "open") => {
                self.post("/api/accounts", json!({ "name": key, "balance": value })).await?;
                Ok(value.clone())
            }
            (Task::Bank { .. }, "read") => self.balances().await,
            (Task::Bank { locked }, "transfer") => {
                let mut transfer = value.clone();
                transfer["mode"] = json!(if locked { "locked" } else { "naive" });
                self.call("/api/accounts/transfer", transfer).await?;
                Ok(value.clone())
            }
            (Task::Publish, "write") => {
                let path = self.path("articles", key, article(&json!(0))).await?;
                self.put(&path, article(value)).await?;
                Ok(value.clone())
            }
            (Task::Publish, "read") => self.read_article(key).await,
            (Task::Delete, f) => self.life(f, key, value).await,
            (Task::Relation { many }, "add") => self.give(key, value, many).await,
            (Task::Relation { many }, "read") => self.holders(key, many).await,
            (_, other) => Err(Stop::Fail(format!("not sent: Strapi has no `{other}` here"))),
        }
    }

    /// Where the document of a key is; its other fields at first.
    async fn path(
        &mut self,
        collection: &'static str,
        key: &str,
        fields: Value,
    ) -> Result<String, Stop> {
        let mut data = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        data.insert("key".to_owned(), json!(key));
        let id = self.document(collection, key, Value::Object(data)).await?;
        Ok(format!("/api/{collection}/{id}"))
    }

    async fn read_field(&mut self, collection: &'static str, field: &str, key: &str) -> Performed {
        let path = self.path(collection, key, Value::Null).await?;
        let read = self.get(&format!("{path}?fields[0]={field}")).await?;
        Ok(read.and_then(|mut read| Some(read.get_mut(field)?.take())).unwrap_or_default())
    }

    /// One field of all documents.
    async fn column(&mut self, path: &str, field: &str) -> Performed {
        let path = format!("{path}&pagination[pageSize]={PAGE_MAX}");
        let all = self.list(&path).await?;
        if all.len() >= PAGE_MAX {
            return Err(Stop::Fail(format!("GET {path}: {PAGE_MAX} or more, and not all shown")));
        }
        Ok(all.into_iter().filter_map(|mut one| Some(one.get_mut(field)?.take())).collect())
    }

    /// A counter has no increment: it is read, and then written.
    async fn add(&mut self, key: &str, amount: &Value) -> Performed {
        let read = self.read_field("counters", "likes", key).await?;
        let (Some(held), Some(more)) = (read.as_i64(), amount.as_i64()) else {
            return Err(Stop::Fail(format!("not written: the counter shows {read}")));
        };
        let path = self.path("counters", key, Value::Null).await?;
        self.put(&path, json!({ "likes": held + more })).await?;
        Ok(amount.clone())
    }

    /// A list has no append: it is read, and then written.
    async fn txn(&mut self, micros: &Value) -> Performed {
        let one = match micros.as_array().map(Vec::as_slice) {
            Some([one]) => one,
            _ => return Err(Stop::Fail("not sent: Strapi has no transactions of several".into())),
        };
        let (f, key) = (one[0].as_str().unwrap_or_default(), one[1].as_str().unwrap_or_default());
        let empty = json!({ "items": [] });
        let path = self.path("lists", key, empty).await?;
        let read = self.get(&format!("{path}?fields[0]=items")).await?;
        let held = read.and_then(|mut read| Some(read.get_mut("items")?.take()));
        let held = held.unwrap_or_default();
        if f == "r" {
            return Ok(json!([["r", key, held]]));
        }
        let Value::Array(mut items) = held else {
            return Err(Stop::Fail(format!("not written: the list shows {held}")));
        };
        items.push(one[2].clone());
        self.put(&path, json!({ "items": items })).await?;
        Ok(micros.clone())
    }

    async fn balances(&mut self) -> Performed {
        let path = "/api/accounts?fields[0]=name&fields[1]=balance&pagination[pageSize]=1000";
        let accounts = self.list(path).await?;
        let balance = |mut account: Value| {
            let balance = account.get_mut("balance")?.take();
            Some((account.get("name")?.as_str()?.to_owned(), balance))
        };
        Ok(Value::Object(accounts.into_iter().filter_map(balance).collect()))
    }

    async fn read_article(&mut self, key: &str) -> Performed {
        let path = self.path("articles", key, article(&json!(0))).await?;
        Ok(self.get(&format!("{path}?populate=*")).await?.map_or(Value::Null, |read| parts(&read)))
    }

    /// Creates, updates, deletes and reads an article that only the creator brings to be.
    async fn life(&mut self, f: &str, key: &str, value: &Value) -> Performed {
        let slot = self.documents.slot("articles", key);
        if f == "create" {
            let id = self.post("/api/articles", article(value)).await?;
            *slot.lock().await = Some(id);
            return Ok(value.clone());
        }
        let id = slot.lock().await.clone();
        let Some(id) = id else {
            return Err(Stop::Fail("not sent: it was never created".to_owned()));
        };
        let path = format!("/api/articles/{id}");
        match f {
            "update" => self.put(&path, article(value)).await.map(|()| value.clone()),
            "delete" => self.delete(&path).await.map(|()| Value::Null),
            "read" => {
                let read = self.get(&path).await?;
                Ok(read.and_then(|mut read| Some(read.get_mut("a")?.take())).unwrap_or_default())
            }
            other => Err(Stop::Fail(format!("not sent: an article has no `{other}`"))),
        }
    }

    /// Gives the member called `thing` to the group called `holder`.
    async fn give(&mut self, thing: &str, holder: &Value, many: bool) -> Performed {
        let name = holder.as_str().unwrap_or_default();
        let member = self.document("members", thing, json!({ "name": thing })).await?;
        let group = self.document("groups", name, json!({ "name": name })).await?;
        let connect = json!({ "connect": [member] });
        let data = if many { json!({ "members": connect }) } else { json!({ "leader": connect }) };
        self.put(&format!("/api/groups/{group}"), data).await?;
        Ok(holder.clone())
    }

    /// The groups that have a member, by one statement of the database.
    async fn holders(&mut self, thing: &str, many: bool) -> Performed {
        let member = self.document("members", thing, json!({ "name": thing })).await?;
        let field = if many { "members" } else { "leader" };
        let filter = format!("filters[{field}][documentId][$eq]={member}");
        self.column(&format!("/api/groups?fields[0]=name&{filter}"), "name").await
    }
}

/// An article of which every part shows `value`.
fn article(value: &Value) -> Value {
    let blocks = vec![json!({ "n": value }); BLOCKS];
    json!({ "a": value, "b": value, "blocks": blocks })
}

/// What the parts of an article show; null for one that is not there.
fn parts(article: &Value) -> Value {
    let fields = ["a", "b"].map(|field| article[field].clone());
    let blocks = article["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = (0..blocks.len().max(BLOCKS))
        .map(|place| blocks.get(place).map_or(Value::Null, |block| block["n"].clone()));
    fields.into_iter().chain(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_is_read_part_by_part() {
        assert_eq!(parts(&article(&json!(7))), json!([7, 7, 7, 7, 7]));
        let without = json!({ "a": 7, "b": 7, "blocks": [] });
        assert_eq!(parts(&without), json!([7, 7, null, null, null]));
        let more = json!({ "a": 7, "b": 7, "blocks": [{"n": 7}, {"n": 7}, {"n": 6}, {"n": 6}] });
        assert_eq!(parts(&more), json!([7, 7, 7, 7, 6, 6]));
    }
}
