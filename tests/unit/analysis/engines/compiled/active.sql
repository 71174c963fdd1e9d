SELECT
  *
FROM (
  SELECT
    "t8"."day",
    SUM(CASE WHEN COALESCE("t8"."daily", FALSE) THEN 1 ELSE 0 END) AS "daily",
    SUM(CASE WHEN COALESCE("t8"."weekly", FALSE) THEN 1 ELSE 0 END) AS "weekly",
    COUNT(*) AS "monthly"
  FROM (
    SELECT
      "t7"."day",
      "t7"."ago" = 0 AS "daily",
      "t7"."ago" < 7 AS "weekly"
    FROM (
      SELECT
        "t6"."ago",
        "t6"."active" + TO_DAYS(CAST("t6"."ago" AS INT)) AS "day"
      FROM (
        SELECT
          "t5"."active",
          "t5"."gap",
          "t3"."ago"
        FROM (
          SELECT
            "t1"."active",
            DATE_DIFF(
              'DAY',
              "t1"."active",
              LEAD("t1"."active") OVER (
                PARTITION BY "t1"."customer"
                ORDER BY "t1"."active" ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
              )
            ) AS "gap"
          FROM (
            SELECT DISTINCT
              "t0"."customer",
              "t0"."day" AS "active"
            FROM "facts" AS "t0"
            WHERE
              "t0"."role" IN ('visit')
              AND TRUE
              AND "t0"."day" >= MAKE_DATE(2026, 1, 22)
              AND "t0"."day" < MAKE_DATE(2026, 6, 16)
          ) AS "t1"
        ) AS "t5"
        CROSS JOIN (
          SELECT
            UNNEST(RANGE(0, 28, 1)) AS "ago"
        ) AS "t3"
      ) AS "t6"
      WHERE
        (
          "t6"."gap" IS NULL
        ) OR (
          "t6"."ago" < "t6"."gap"
        )
    ) AS "t7"
    WHERE
      "t7"."day" >= MAKE_DATE(2026, 2, 18)
      AND "t7"."day" < MAKE_DATE(2026, 6, 16)
      AND "t7"."day" <= MAKE_DATE(2026, 6, 15)
  ) AS "t8"
  GROUP BY
    1
) AS "t9"
ORDER BY
  "t9"."day" ASC
