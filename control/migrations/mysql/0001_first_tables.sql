-- The first tables. Ids are text, times are microseconds since 1970, documents are JSON.
-- Every statement may be run again: a database that goes away in the middle leaves the first ones.

-- Plans that users have saved.
CREATE TABLE IF NOT EXISTS task (
    id VARCHAR(190) NOT NULL,
    name LONGTEXT NOT NULL,
    name_lower LONGTEXT NOT NULL,
    plan LONGTEXT NOT NULL,
    owner LONGTEXT NOT NULL,
    created_unix_us BIGINT NOT NULL,
    updated_unix_us BIGINT NOT NULL,
    is_deleted BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY task_by_time (is_deleted, created_unix_us, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Executions. `frames_level` counts how often the frames of an ended run were put together.
CREATE TABLE IF NOT EXISTS run (
    id VARCHAR(190) NOT NULL,
    task VARCHAR(190) NOT NULL,
    name LONGTEXT NOT NULL,
    plan LONGTEXT NOT NULL,
    plan_hash VARCHAR(190) NOT NULL,
    owner LONGTEXT NOT NULL,
    state VARCHAR(190) NOT NULL,
    intent LONGTEXT NOT NULL,
    epoch BIGINT NOT NULL,
    t0_unix_us BIGINT,
    changes LONGTEXT NOT NULL,
    created_unix_us BIGINT NOT NULL,
    ended_unix_us BIGINT,
    verdict LONGTEXT,
    text LONGTEXT NOT NULL,
    version BIGINT NOT NULL,
    frames_level BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY run_by_time (created_unix_us, id),
    KEY run_by_task (task, created_unix_us, id),
    KEY run_by_state (state, created_unix_us, id),
    KEY run_by_plan (plan_hash),
    KEY run_by_end (frames_level, ended_unix_us)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Shares of runs.
CREATE TABLE IF NOT EXISTS part (
    part VARCHAR(190) NOT NULL,
    run VARCHAR(190) NOT NULL,
    number BIGINT NOT NULL,
    agent VARCHAR(190) NOT NULL,
    share LONGTEXT NOT NULL,
    cores BIGINT NOT NULL,
    state VARCHAR(190) NOT NULL,
    lost_at_us BIGINT,
    taken_over_by LONGTEXT NOT NULL,
    status LONGTEXT NOT NULL,
    PRIMARY KEY (part),
    UNIQUE KEY part_by_run (run, number),
    CONSTRAINT part_of_run FOREIGN KEY (run) REFERENCES run (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How far the frames of a part are in stored frames, and their sums: apart from `part`, because another writer moves it.
CREATE TABLE IF NOT EXISTS part_frames (
    part VARCHAR(190) NOT NULL,
    stored_below BIGINT NOT NULL,
    sums LONGTEXT NOT NULL,
    PRIMARY KEY (part),
    CONSTRAINT frames_of_part FOREIGN KEY (part) REFERENCES part (part)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Merged frames. `moment` is the second, less 2^40 in the warm-up: one order for all of a run.
CREATE TABLE IF NOT EXISTS frame (
    run VARCHAR(190) NOT NULL,
    moment BIGINT NOT NULL,
    number BIGINT NOT NULL,
    width_s BIGINT NOT NULL,
    counts LONGTEXT NOT NULL,
    histograms LONGTEXT NOT NULL,
    PRIMARY KEY (run, moment),
    UNIQUE KEY frame_by_number (run, number),
    CONSTRAINT frame_of_run FOREIGN KEY (run) REFERENCES run (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What happened to runs.
CREATE TABLE IF NOT EXISTS event (
    run VARCHAR(190) NOT NULL,
    number BIGINT NOT NULL,
    at_unix_us BIGINT NOT NULL,
    at_us BIGINT,
    kind VARCHAR(190) NOT NULL,
    text LONGTEXT NOT NULL,
    made_by LONGTEXT NOT NULL,
    PRIMARY KEY (run, number),
    CONSTRAINT event_of_run FOREIGN KEY (run) REFERENCES run (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Reports of ended runs.
CREATE TABLE IF NOT EXISTS report (
    run VARCHAR(190) NOT NULL,
    report LONGTEXT NOT NULL,
    PRIMARY KEY (run),
    CONSTRAINT report_of_run FOREIGN KEY (run) REFERENCES run (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Agents that have been seen.
CREATE TABLE IF NOT EXISTS agent (
    agent VARCHAR(190) NOT NULL,
    info LONGTEXT NOT NULL,
    is_enabled BIGINT NOT NULL,
    first_seen_unix_us BIGINT NOT NULL,
    last_seen_unix_us BIGINT NOT NULL,
    PRIMARY KEY (agent)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Samples of the hosts of agents. `width_s` is 0 for one as it came, 60 for the mean of a minute.
CREATE TABLE IF NOT EXISTS host_sample (
    agent VARCHAR(190) NOT NULL,
    at_unix_us BIGINT NOT NULL,
    width_s BIGINT NOT NULL,
    sample LONGTEXT NOT NULL,
    PRIMARY KEY (agent, at_unix_us),
    KEY host_sample_by_width (width_s, at_unix_us),
    KEY host_sample_by_time (at_unix_us)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Rate per core that agents reach.
CREATE TABLE IF NOT EXISTS calibration (
    agent VARCHAR(190) NOT NULL,
    protocol VARCHAR(190) NOT NULL,
    rate_per_core DOUBLE NOT NULL,
    at_unix_us BIGINT NOT NULL,
    PRIMARY KEY (agent, protocol)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- People.
CREATE TABLE IF NOT EXISTS user_account (
    name VARCHAR(190) NOT NULL,
    password_hash LONGTEXT NOT NULL,
    role VARCHAR(190) NOT NULL,
    created_unix_us BIGINT NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Tokens of programs and sessions of browsers.
CREATE TABLE IF NOT EXISTS token (
    id VARCHAR(190) NOT NULL,
    hash VARCHAR(190) NOT NULL,
    name LONGTEXT NOT NULL,
    user_name VARCHAR(190) NOT NULL,
    role VARCHAR(190) NOT NULL,
    created_unix_us BIGINT NOT NULL,
    expires_unix_us BIGINT,
    PRIMARY KEY (id),
    UNIQUE KEY token_by_hash (hash),
    KEY token_by_end (expires_unix_us)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who changed what.
CREATE TABLE IF NOT EXISTS audit (
    number BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at_unix_us BIGINT NOT NULL,
    made_by LONGTEXT NOT NULL,
    address LONGTEXT NOT NULL,
    action LONGTEXT NOT NULL,
    subject LONGTEXT NOT NULL,
    text LONGTEXT NOT NULL,
    KEY audit_by_time (at_unix_us)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
