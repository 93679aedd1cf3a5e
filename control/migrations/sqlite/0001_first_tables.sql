-- The first tables. Ids are text, times are microseconds since 1970, documents are JSON.

-- Plans that users have saved.
CREATE TABLE IF NOT EXISTS task (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_lower TEXT NOT NULL,
    plan TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_unix_us INTEGER NOT NULL,
    updated_unix_us INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS task_by_time ON task (is_deleted, created_unix_us, id);

-- Executions. `frames_level` counts how often the frames of an ended run were put together.
CREATE TABLE IF NOT EXISTS run (
    id TEXT NOT NULL,
    task TEXT NOT NULL,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    intent TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    t0_unix_us INTEGER,
    changes TEXT NOT NULL,
    created_unix_us INTEGER NOT NULL,
    ended_unix_us INTEGER,
    verdict TEXT,
    text TEXT NOT NULL,
    version INTEGER NOT NULL,
    frames_level INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS run_by_time ON run (created_unix_us, id);
CREATE INDEX IF NOT EXISTS run_by_task ON run (task, created_unix_us, id);
CREATE INDEX IF NOT EXISTS run_by_state ON run (state, created_unix_us, id);
CREATE INDEX IF NOT EXISTS run_by_plan ON run (plan_hash);
CREATE INDEX IF NOT EXISTS run_by_end ON run (frames_level, ended_unix_us);

-- Shares of runs.
CREATE TABLE IF NOT EXISTS part (
    part TEXT NOT NULL,
    run TEXT NOT NULL,
    number INTEGER NOT NULL,
    agent TEXT NOT NULL,
    share TEXT NOT NULL,
    cores INTEGER NOT NULL,
    state TEXT NOT NULL,
    lost_at_us INTEGER,
    taken_over_by TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (part),
    UNIQUE (run, number),
    CONSTRAINT part_of_run FOREIGN KEY (run) REFERENCES run (id)
);

-- How far the frames of a part are in stored frames, and their sums: apart from `part`, because another writer moves it.
CREATE TABLE IF NOT EXISTS part_frames (
    part TEXT NOT NULL,
    stored_below INTEGER NOT NULL,
    sums TEXT NOT NULL,
    PRIMARY KEY (part),
    CONSTRAINT frames_of_part FOREIGN KEY (part) REFERENCES part (part)
);

-- Merged frames. `moment` is the second, less 2^40 in the warm-up: one order for all of a run.
CREATE TABLE IF NOT EXISTS frame (
    run TEXT NOT NULL,
    moment INTEGER NOT NULL,
    number INTEGER NOT NULL,
    width_s INTEGER NOT NULL,
    counts TEXT NOT NULL,
    histograms TEXT NOT NULL,
    PRIMARY KEY (run, moment),
    UNIQUE (run, number),
    CONSTRAINT frame_of_run FOREIGN KEY (run) REFERENCES run (id)
);

-- What happened to runs.
CREATE TABLE IF NOT EXISTS event (
    run TEXT NOT NULL,
    number INTEGER NOT NULL,
    at_unix_us INTEGER NOT NULL,
    at_us INTEGER,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    made_by TEXT NOT NULL,
    PRIMARY KEY (run, number),
    CONSTRAINT event_of_run FOREIGN KEY (run) REFERENCES run (id)
);

-- Reports of ended runs.
CREATE TABLE IF NOT EXISTS report (
    run TEXT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (run),
    CONSTRAINT report_of_run FOREIGN KEY (run) REFERENCES run (id)
);

-- Agents that have been seen.
CREATE TABLE IF NOT EXISTS agent (
    agent TEXT NOT NULL,
    info TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    first_seen_unix_us INTEGER NOT NULL,
    last_seen_unix_us INTEGER NOT NULL,
    PRIMARY KEY (agent)
);

-- Samples of the hosts of agents. `width_s` is 0 for one as it came, 60 for the mean of a minute.
CREATE TABLE IF NOT EXISTS host_sample (
    agent TEXT NOT NULL,
    at_unix_us INTEGER NOT NULL,
    width_s INTEGER NOT NULL,
    sample TEXT NOT NULL,
    PRIMARY KEY (agent, at_unix_us)
);
CREATE INDEX IF NOT EXISTS host_sample_by_width ON host_sample (width_s, at_unix_us);
CREATE INDEX IF NOT EXISTS host_sample_by_time ON host_sample (at_unix_us);

-- Rate per core that agents reach.
CREATE TABLE IF NOT EXISTS calibration (
    agent TEXT NOT NULL,
    protocol TEXT NOT NULL,
    rate_per_core REAL NOT NULL,
    at_unix_us INTEGER NOT NULL,
    PRIMARY KEY (agent, protocol)
);

-- People.
CREATE TABLE IF NOT EXISTS user_account (
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_unix_us INTEGER NOT NULL,
    PRIMARY KEY (name)
);

-- Tokens of programs and sessions of browsers.
CREATE TABLE IF NOT EXISTS token (
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    user_name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_unix_us INTEGER NOT NULL,
    expires_unix_us INTEGER,
    PRIMARY KEY (id),
    UNIQUE (hash)
);
CREATE INDEX IF NOT EXISTS token_by_end ON token (expires_unix_us);

-- Who changed what.
CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_unix_us INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_by_time ON audit (at_unix_us);
