-- Where a partition stands, all of one moment.
-- KEYS: meta, outbox, timers
-- Answers {version, applied, watermark, entries of the outbox, earliest timer ('0' for none), arrival_rates}
local meta = redis.call('HMGET', KEYS[1], 'version', 'applied', 'watermark', 'arrival_rates')
local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
return {meta[1] or '0', meta[2] or '-1', meta[3] or '0', redis.call('ZCARD', KEYS[2]), first[2] or '0', meta[4] or ''}
