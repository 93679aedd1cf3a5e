-- What lists of tasks and runs show and look for, and data sets.
-- Every statement may be run again. MySQL has no `ADD COLUMN IF NOT EXISTS`, so each of these is made
-- by whether the column is there.

-- Completed requests a second over an ended run, as a JSON list; null: none.
SET @make = IF(EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'run' AND column_name = 'spark'),
    'DO 0', 'ALTER TABLE run ADD COLUMN spark LONGTEXT');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;

-- What a search looks at, in lower case.
SET @make = IF(EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'task' AND column_name = 'owner_lower'),
    'DO 0', 'ALTER TABLE task ADD COLUMN target_lower LONGTEXT, ADD COLUMN owner_lower LONGTEXT');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
UPDATE task SET
    target_lower = LOWER(COALESCE(JSON_UNQUOTE(JSON_EXTRACT(plan, '$.target.url')), '')),
    owner_lower = LOWER(owner)
WHERE owner_lower IS NULL;

-- The agents of runs are counted in every list.
SET @make = IF(EXISTS (SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'part' AND index_name = 'part_by_agent'),
    'DO 0', 'ALTER TABLE part ADD KEY part_by_agent (run, agent)');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;

-- Versions of data sets.
CREATE TABLE IF NOT EXISTS dataset (
    name VARCHAR(190) NOT NULL,
    version BIGINT NOT NULL,
    format VARCHAR(190) NOT NULL,
    bytes BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    sha256 VARCHAR(190) NOT NULL,
    created_unix_us BIGINT NOT NULL,
    created_by LONGTEXT NOT NULL,
    PRIMARY KEY (name, version)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which agents have them.
CREATE TABLE IF NOT EXISTS dataset_agent (
    name VARCHAR(190) NOT NULL,
    version BIGINT NOT NULL,
    agent VARCHAR(190) NOT NULL,
    PRIMARY KEY (name, version, agent),
    KEY dataset_agent_by_agent (agent),
    CONSTRAINT agent_of_dataset FOREIGN KEY (name, version) REFERENCES dataset (name, version)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
