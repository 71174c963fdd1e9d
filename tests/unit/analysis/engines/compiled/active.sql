SELECT
  *
FROM (
  SELECT
    "t9"."day",
    SUM(CASE WHEN "t9"."ago" = 0 THEN "t9"."customers" ELSE 0 END) AS "daily",
    SUM(CASE WHEN "t9"."ago" < 7 THEN "t9"."customers" ELSE 0 END) AS "weekly",
    SUM("t9"."customers") AS "monthly"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t7"."customers",
        "t7"."ago",
        "t7"."active" + TO_DAYS(CAST("t7"."ago" AS INT)) AS "day"
      FROM (
        SELECT
          "t6"."active",
          "t6"."ahead",
          "t6"."customers",
          "t3"."ago"
        FROM (
          SELECT
            "t4"."active",
            "t4"."ahead",
            COUNT(*) AS "customers"
          FROM (
            SELECT
              "t1"."active",
              LEAST(
                COALESCE(
                  DATE_DIFF(
                    'DAY',
                    "t1"."active",
                    LEAD("t1"."active") OVER (
                      PARTITION BY "t1"."customer"
                      ORDER BY "t1"."active" ASC
                      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                    )
                  ),
                  28
                ),
                28
              ) AS "ahead"
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
          ) AS "t4"
          GROUP BY
            1,
            2
        ) AS "t6"
        CROSS JOIN (
          SELECT
            UNNEST(RANGE(0, 28, 1)) AS "ago"
        ) AS "t3"
      ) AS "t7"
      WHERE
        "t7"."ago" < "t7"."ahead"
    ) AS "t8"
    WHERE
      "t8"."day" >= MAKE_DATE(2026, 2, 18)
      AND "t8"."day" < MAKE_DATE(2026, 6, 16)
      AND "t8"."day" <= MAKE_DATE(2026, 6, 15)
  ) AS "t9"
  GROUP BY
    1
) AS "t10"
ORDER BY
  "t10"."day" ASC
