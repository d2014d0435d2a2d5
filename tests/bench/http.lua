-- Requests of wrk: a transfer as transfer.pgbench makes it, or a look at a wallet.
--     wrk ... -s http.lua URL -- transfer|get WALLETS SEED
local thread_count = 0

function setup(thread)
    thread:set("number", thread_count)
    thread_count = thread_count + 1
end

local function wallet(n)
    return string.format("01950000-0000-7000-9000-%012d", n)
end

function init(arguments)
    what, wallets = arguments[1], tonumber(arguments[2])
    math.randomseed(tonumber(arguments[3]) * 64 + number)
    -- Its first numbers after close seeds are close.
    for _ = 1, 100 do math.random() end
    headers = { ["Content-Type"] = "application/json" }
end

local function transfer()
    local payer = math.random(wallets)
    local payee = 1 + (payer + math.random(0, wallets - 2)) % wallets
    headers["Idempotency-Key"] = string.format("%d%09d", math.random(999999999), math.random(0, 999999999))
    return wrk.format("POST", "/wallets/" .. wallet(payer) .. "/transfer", headers,
        string.format('{"to_wallet_id":"%s","amount":"%d"}', wallet(payee), math.random(100)))
end

function request()
    if what == "transfer" then return transfer() end
    return wrk.format("GET", "/wallets/" .. wallet(math.random(wallets)))
end

-- One line that a program reads.
function done(summary, latency)
    local errors = summary.errors
    print(string.format("requests=%d seconds=%.6f failed=%d mean_us=%.1f p50_us=%d p99_us=%d max_us=%d",
        summary.requests, summary.duration / 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency.mean, latency:percentile(50), latency:percentile(99), latency.max))
end
