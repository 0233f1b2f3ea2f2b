-- Articles for khabar in PostgreSQL 13 or newer: a table, a log of changes, and the triggers that
-- write it. Run it in the database of the newsroom, in the schema you want:
--
--     khabar schema postgres | psql --single-transaction --set ON_ERROR_STOP=1 cms
--
-- and in config.toml:
--
--     [store]
--     kind    = "postgres"
--     url_env = "DATABASE_URL"
--     table   = "khabar_articles"
--     changes = "khabar_changes"
--
-- Where you have tables of your own, leave the table out, name a query of them in config.toml, and put
-- the triggers at the end on each table that the query reads.

CREATE TABLE khabar_articles (
    id           text PRIMARY KEY,
    title        text NOT NULL,
    summary      text,
    body         text,               -- HTML
    url          text,
    slug         text,
    path         text,
    published    timestamptz NOT NULL,
    updated      timestamptz,
    expires      timestamptz,
    status       text NOT NULL DEFAULT 'published'
                 CHECK (status IN ('published', 'draft', 'withheld', 'withdrawn')),
    sections     jsonb,              -- ["world", …], or [{"id": "world", "title": "…"}, …]
    stories      jsonb,
    tags         jsonb,
    authors      jsonb,              -- ["…", {"name": "…", "url": "…", "email": "…"}]
    images       jsonb,              -- [{"url": "…", "caption": "…", "alt": "…"}]
    video        jsonb,
    audio        jsonb,
    source       jsonb,              -- {"name": "…", "url": "…"}
    language     text,
    kind         text,
    access       text,
    comments     jsonb,              -- {"url": "…", "count": 3}
    news         boolean,
    index        boolean,
    translations jsonb               -- {"en": "https://…"}
);

-- One row for each change of an article: which transaction made it, and the article's key. khabar asks
-- for what the snapshot of its last reading did not see, so that the order of commits does not matter.
-- A row without a key says that anything may have changed.
CREATE TABLE khabar_changes (
    xid xid8        NOT NULL DEFAULT pg_current_xact_id(),
    key text,
    at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX khabar_changes_xid ON khabar_changes (xid);

-- Writes the log, and tells khabar. Its argument is the column that holds the article's key.
CREATE FUNCTION khabar_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO khabar_changes (key) VALUES (NULL);
    ELSE
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO khabar_changes (key) VALUES (to_jsonb(OLD) ->> TG_ARGV[0]);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO khabar_changes (key) VALUES (to_jsonb(NEW) ->> TG_ARGV[0]);
        END IF;
    END IF;
    PERFORM pg_notify('khabar', '');
    RETURN NULL;
END
$$;

-- The same two for every other table that a query of yours reads, with the column of that table that
-- holds the article's key, such as khabar_changed('article_id').
CREATE TRIGGER khabar_row AFTER INSERT OR UPDATE OR DELETE ON khabar_articles
    FOR EACH ROW EXECUTE FUNCTION khabar_changed('id');
CREATE TRIGGER khabar_all AFTER TRUNCATE ON khabar_articles
    FOR EACH STATEMENT EXECUTE FUNCTION khabar_changed('id');

-- The role that khabar asks as needs no more than this:
--     GRANT SELECT ON khabar_articles, khabar_changes TO khabar;
-- The roles that write articles need the right to write the log:
--     GRANT INSERT ON khabar_changes TO …;
-- Once a day, whatever is older can go:
--     DELETE FROM khabar_changes WHERE at < now() - interval '1 day';
