-- What lists of tasks and runs show and look for, and data sets.

-- Completed requests a second over an ended run, as a JSON list; null: none.
ALTER TABLE run ADD COLUMN spark TEXT;

-- What a search looks at, in lower case. Text that is saved from now on is lower case beyond ASCII as well.
ALTER TABLE task ADD COLUMN target_lower TEXT NOT NULL DEFAULT '';
ALTER TABLE task ADD COLUMN owner_lower TEXT NOT NULL DEFAULT '';
UPDATE task SET
    target_lower = LOWER(COALESCE(JSON_EXTRACT(plan, '$.target.url'), '')),
    owner_lower = LOWER(owner);

-- The agents of runs are counted in every list.
CREATE INDEX IF NOT EXISTS part_by_agent ON part (run, agent);

-- Versions of data sets.
CREATE TABLE IF NOT EXISTS dataset (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    format TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    created_unix_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (name, version)
);

-- Which agents have them.
CREATE TABLE IF NOT EXISTS dataset_agent (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    agent TEXT NOT NULL,
    PRIMARY KEY (name, version, agent),
    CONSTRAINT agent_of_dataset FOREIGN KEY (name, version) REFERENCES dataset (name, version)
);
CREATE INDEX IF NOT EXISTS dataset_agent_by_agent ON dataset_agent (agent);
