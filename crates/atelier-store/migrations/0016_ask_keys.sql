-- What the keys of asks were made of, so that it can be told in what two of them differ.

CREATE TABLE ask_keys (
    ask_key {blob} NOT NULL PRIMARY KEY,
    descriptor {json} NOT NULL
);
