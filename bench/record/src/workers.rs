//! How many workers, as a suite says it: a number, or as many as there are connections.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How many workers a contender is started with: `"connections"` or a number, never assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One each for models whose workers own a connection, one a server CPU for the others.
    Connections,
    /// The same number for every contender.
    Number(u32),
}

impl Serialize for Workers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Workers::Connections => serializer.serialize_str("connections"),
            Workers::Number(number) => serializer.serialize_u32(*number),
        }
    }
}

impl JsonSchema for Workers {
    fn schema_name() -> Cow<'static, str> {
        "Workers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How many workers a contender is started with: `\"connections\"` or a number, never assumed.",
            "anyOf": [{ "const": "connections" }, { "type": "integer", "minimum": 1 }],
        })
    }
}

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Workers;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of workers, or \"connections\"")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Workers, E> {
                match word {
                    "connections" => Ok(Workers::Connections),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Workers, E> {
                u32::try_from(number)
                    .map(Workers::Number)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Workers, E> {
                u32::try_from(number)
                    .map(Workers::Number)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
