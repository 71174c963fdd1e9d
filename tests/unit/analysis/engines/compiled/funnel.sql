WITH "t6" AS (
  SELECT
    "t5"."customer",
    MIN("t5"."us") AS "entered"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t0"."customer",
        "t0"."us",
        "t0"."log_partition",
        "t0"."log_offset",
        '' AS "held",
        "t0"."role" = 'view' AS "s1",
        "t0"."role" = 'cart' AS "s2",
        "t0"."role" = 'checkout' AS "s3",
        "t0"."role" = 'purchase' AS "s4",
        (
          "t0"."role" = 'view'
        )
        AND (
          (
            "t0"."day" >= MAKE_DATE(2026, 3, 1)
          )
          AND (
            "t0"."day" < MAKE_DATE(2026, 6, 16)
          )
        )
        AND TRUE AS "begins"
      FROM "facts" AS "t0"
      WHERE
        "t0"."role" IN ('view', 'cart', 'checkout', 'purchase')
        AND "t0"."day" >= MAKE_DATE(2026, 3, 1)
        AND "t0"."day" < MAKE_DATE(2026, 6, 25)
    ) AS "t3"
    WHERE
      "t3"."begins"
  ) AS "t5"
  GROUP BY
    1
), "t12" AS (
  SELECT
    "t7"."customer",
    "t7"."held",
    "t7"."us",
    "t7"."log_partition",
    "t7"."log_offset",
    "t7"."s2",
    "t7"."s3",
    "t7"."s4",
    "t7"."place",
    COALESCE(
      MAX("t7"."_came") OVER (
        PARTITION BY "t7"."customer", "t7"."held"
        ORDER BY "t7"."us" ASC, "t7"."place" ASC, "t7"."log_partition" ASC, "t7"."log_offset" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 preceding
      ),
      -4611686018427387904
    ) AS "_latest"
  FROM (
    SELECT
      "t4"."customer",
      "t4"."held",
      "t4"."us",
      "t4"."log_partition",
      "t4"."log_offset",
      "t4"."s2",
      "t4"."s3",
      "t4"."s4",
      "t4"."place",
      COALESCE(
        CASE WHEN "t4"."begins" THEN "t4"."us" ELSE CAST(NULL AS BIGINT) END,
        -4611686018427387904
      ) AS "_came"
    FROM (
      SELECT
        "t0"."customer",
        '' AS "held",
        "t0"."us",
        "t0"."log_partition",
        "t0"."log_offset",
        (
          "t0"."role" = 'view'
        )
        AND (
          (
            "t0"."day" >= MAKE_DATE(2026, 3, 1)
          )
          AND (
            "t0"."day" < MAKE_DATE(2026, 6, 16)
          )
        )
        AND TRUE AS "begins",
        "t0"."role" = 'view' AS "s1",
        "t0"."role" = 'cart' AS "s2",
        "t0"."role" = 'checkout' AS "s3",
        "t0"."role" = 'purchase' AS "s4",
        CASE
          WHEN "t0"."role" = 'view'
          THEN 1
          WHEN "t0"."role" = 'cart'
          THEN 2
          WHEN "t0"."role" = 'checkout'
          THEN 3
          WHEN "t0"."role" = 'purchase'
          THEN 4
          ELSE 0
        END AS "place"
      FROM "facts" AS "t0"
      WHERE
        "t0"."role" IN ('view', 'cart', 'checkout', 'purchase')
        AND "t0"."day" >= MAKE_DATE(2026, 3, 1)
        AND "t0"."day" < MAKE_DATE(2026, 6, 25)
    ) AS "t4"
    WHERE
      "t4"."place" > 0 AND (
        "t4"."s1" OR "t4"."s2" OR "t4"."s3" OR "t4"."s4"
      )
  ) AS "t7"
), "t17" AS (
  SELECT
    "t15"."customer",
    "t15"."held",
    "t15"."us",
    "t15"."log_partition",
    "t15"."log_offset",
    "t15"."s3",
    "t15"."s4",
    "t15"."place",
    COALESCE(
      MAX("t15"."_came") OVER (
        PARTITION BY "t15"."customer", "t15"."held"
        ORDER BY "t15"."us" ASC, "t15"."place" ASC, "t15"."log_partition" ASC, "t15"."log_offset" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 preceding
      ),
      -4611686018427387904
    ) AS "_latest"
  FROM (
    SELECT
      "t13"."customer",
      "t13"."held",
      "t13"."us",
      "t13"."log_partition",
      "t13"."log_offset",
      "t13"."s3",
      "t13"."s4",
      "t13"."place",
      COALESCE(
        CASE
          WHEN "t13"."s2"
          AND (
            "t13"."_latest" > -4611686018427387904
          )
          AND (
            (
              "t13"."us" - "t13"."_latest"
            ) <= 604800000000
          )
          THEN "t13"."_latest"
          ELSE CAST(NULL AS BIGINT)
        END,
        -4611686018427387904
      ) AS "_came"
    FROM "t12" AS "t13"
    WHERE
      "t13"."s2" OR "t13"."s3" OR "t13"."s4"
  ) AS "t15"
), "t27" AS (
  SELECT
    "t26"."customer",
    "t26"."held",
    "t26"."start",
    "t26"."step",
    MIN("t26"."us") AS "us"
  FROM (
    SELECT
      *
    FROM (
      SELECT
        "t24"."customer",
        "t24"."held",
        "t24"."us",
        "t24"."c4" AS "start",
        CAST(4 AS BIGINT) AS "step"
      FROM (
        SELECT
          "t23"."customer",
          "t23"."held",
          "t23"."us",
          CASE
            WHEN "t23"."s4"
            AND (
              "t23"."_latest" > -4611686018427387904
            )
            AND (
              (
                "t23"."us" - "t23"."_latest"
              ) <= 604800000000
            )
            THEN "t23"."_latest"
            ELSE CAST(NULL AS BIGINT)
          END AS "c4"
        FROM (
          SELECT
            "t20"."customer",
            "t20"."held",
            "t20"."us",
            "t20"."s4",
            COALESCE(
              MAX("t20"."_came") OVER (
                PARTITION BY "t20"."customer", "t20"."held"
                ORDER BY "t20"."us" ASC, "t20"."place" ASC, "t20"."log_partition" ASC, "t20"."log_offset" ASC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 preceding
              ),
              -4611686018427387904
            ) AS "_latest"
          FROM (
            SELECT
              "t18"."customer",
              "t18"."held",
              "t18"."us",
              "t18"."log_partition",
              "t18"."log_offset",
              "t18"."s4",
              "t18"."place",
              COALESCE(
                CASE
                  WHEN "t18"."s3"
                  AND (
                    "t18"."_latest" > -4611686018427387904
                  )
                  AND (
                    (
                      "t18"."us" - "t18"."_latest"
                    ) <= 604800000000
                  )
                  THEN "t18"."_latest"
                  ELSE CAST(NULL AS BIGINT)
                END,
                -4611686018427387904
              ) AS "_came"
            FROM "t17" AS "t18"
            WHERE
              "t18"."s3" OR "t18"."s4"
          ) AS "t20"
        ) AS "t23"
      ) AS "t24"
      WHERE
        "t24"."c4" IS NOT NULL
    ) AS "t25"
    UNION ALL
    SELECT
      *
    FROM (
      SELECT
        *
      FROM (
        SELECT
          "t14"."customer",
          "t14"."held",
          "t14"."us",
          "t14"."c2" AS "start",
          CAST(2 AS BIGINT) AS "step"
        FROM (
          SELECT
            "t13"."customer",
            "t13"."held",
            "t13"."us",
            "t13"."log_partition",
            "t13"."log_offset",
            "t13"."s2",
            "t13"."s3",
            "t13"."s4",
            "t13"."place",
            CASE
              WHEN "t13"."s2"
              AND (
                "t13"."_latest" > -4611686018427387904
              )
              AND (
                (
                  "t13"."us" - "t13"."_latest"
                ) <= 604800000000
              )
              THEN "t13"."_latest"
              ELSE CAST(NULL AS BIGINT)
            END AS "c2"
          FROM "t12" AS "t13"
        ) AS "t14"
        WHERE
          "t14"."c2" IS NOT NULL
      ) AS "t16"
      UNION ALL
      SELECT
        *
      FROM (
        SELECT
          "t19"."customer",
          "t19"."held",
          "t19"."us",
          "t19"."c3" AS "start",
          CAST(3 AS BIGINT) AS "step"
        FROM (
          SELECT
            "t18"."customer",
            "t18"."held",
            "t18"."us",
            "t18"."log_partition",
            "t18"."log_offset",
            "t18"."s3",
            "t18"."s4",
            "t18"."place",
            CASE
              WHEN "t18"."s3"
              AND (
                "t18"."_latest" > -4611686018427387904
              )
              AND (
                (
                  "t18"."us" - "t18"."_latest"
                ) <= 604800000000
              )
              THEN "t18"."_latest"
              ELSE CAST(NULL AS BIGINT)
            END AS "c3"
          FROM "t17" AS "t18"
        ) AS "t19"
        WHERE
          "t19"."c3" IS NOT NULL
      ) AS "t21"
    ) AS "t22"
  ) AS "t26"
  GROUP BY
    1,
    2,
    3,
    4
), "t32" AS (
  SELECT
    "t31"."customer",
    "t31"."held",
    "t31"."start",
    "t31"."furthest"
  FROM (
    SELECT
      "t30"."customer",
      "t30"."held",
      "t30"."start",
      "t30"."furthest",
      ROW_NUMBER() OVER (
        PARTITION BY "t30"."customer"
        ORDER BY "t30"."furthest" DESC, "t30"."arrived" ASC, "t30"."start" DESC, "t30"."held" ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      ) - 1 AS "_rank"
    FROM (
      SELECT
        "t28"."customer",
        "t28"."held",
        "t28"."start",
        MAX("t28"."step") AS "furthest",
        MAX("t28"."us") AS "arrived"
      FROM "t27" AS "t28"
      GROUP BY
        1,
        2,
        3
    ) AS "t30"
  ) AS "t31"
  WHERE
    "t31"."_rank" = 0
)
SELECT
  *
FROM (
  SELECT
    "t43"."by",
    "t43"."step",
    QUANTILE_CONT("t43"."seconds", 0.5) AS "seconds",
    SUM(CASE WHEN COALESCE("t43"."closed", FALSE) THEN 1 ELSE 0 END) AS "entered",
    SUM(CASE WHEN COALESCE("t43"."previous", FALSE) THEN 1 ELSE 0 END) AS "previous",
    SUM(CASE WHEN COALESCE("t43"."converted", FALSE) THEN 1 ELSE 0 END) AS "converted",
    SUM(CASE WHEN COALESCE("t43"."dropped", FALSE) THEN 1 ELSE 0 END) AS "dropped",
    SUM(CASE WHEN COALESCE("t43"."open", FALSE) THEN 1 ELSE 0 END) AS "open",
    SUM(CASE WHEN COALESCE("t43"."open_reached", FALSE) THEN 1 ELSE 0 END) AS "open_reached"
  FROM (
    SELECT
      COALESCE("t42"."by", '') AS "by",
      "t42"."step",
      "t42"."closed",
      "t42"."seconds",
      "t42"."here" AND "t42"."closed" AS "converted",
      (
        "t42"."furthest" >= CASE
          WHEN "t42"."step" = 1
          THEN 1
          WHEN "t42"."step" = 2
          THEN 1
          WHEN "t42"."step" = 3
          THEN 2
          WHEN "t42"."step" = 4
          THEN 3
          ELSE NULL
        END
      )
      AND "t42"."closed" AS "previous",
      (
        "t42"."furthest" >= CASE
          WHEN "t42"."step" = 1
          THEN 1
          WHEN "t42"."step" = 2
          THEN 1
          WHEN "t42"."step" = 3
          THEN 2
          WHEN "t42"."step" = 4
          THEN 3
          ELSE NULL
        END
      )
      AND "t42"."closed"
      AND NOT (
        "t42"."here"
      ) AS "dropped",
      NOT (
        "t42"."closed"
      ) AS "open",
      NOT (
        "t42"."closed"
      ) AND "t42"."here" AS "open_reached"
    FROM (
      SELECT
        "t41"."by",
        "t2"."step",
        "t41"."closed",
        "t41"."furthest",
        CASE WHEN "t2"."step" = 1 THEN "t41"."start" ELSE "t29"."us" END IS NOT NULL AS "here",
        CASE
          WHEN (
            CASE WHEN "t2"."step" = 1 THEN "t41"."start" ELSE "t29"."us" END IS NOT NULL
          )
          AND "t41"."closed"
          THEN (
            CASE WHEN "t2"."step" = 1 THEN "t41"."start" ELSE "t29"."us" END - "t41"."start"
          ) / 1000000.0
          ELSE CAST(NULL AS DOUBLE)
        END AS "seconds"
      FROM (
        SELECT
          "t39"."customer",
          "t39"."held",
          "t39"."start",
          "t39"."furthest",
          "t39"."closed",
          '' AS "by"
        FROM (
          SELECT
            "t38"."customer",
            "t38"."held",
            "t38"."start",
            "t38"."furthest",
            (
              "t9"."entered" + 604800000000
            ) < 1781481600000000 AS "closed"
          FROM (
            SELECT
              *
            FROM "t32" AS "t33"
            UNION ALL
            SELECT
              *
            FROM (
              SELECT
                "t35"."customer",
                "t35"."held",
                "t35"."start",
                CAST(1 AS BIGINT) AS "furthest"
              FROM (
                SELECT
                  "t11"."customer",
                  "t11"."held",
                  "t11"."start"
                FROM (
                  SELECT
                    "t8"."customer",
                    '' AS "held",
                    "t8"."entered" AS "start"
                  FROM "t6" AS "t8"
                ) AS "t11"
                ANTI JOIN "t32" AS "t34"
                  ON "t11"."customer" = "t34"."customer"
              ) AS "t35"
            ) AS "t36"
          ) AS "t38"
          INNER JOIN "t6" AS "t9"
            ON "t38"."customer" = "t9"."customer"
        ) AS "t39"
      ) AS "t41"
      CROSS JOIN (
        SELECT
          UNNEST(RANGE(1, 5, 1)) AS "step"
      ) AS "t2"
      LEFT OUTER JOIN "t27" AS "t29"
        ON "t41"."customer" = "t29"."customer"
        AND "t41"."held" = "t29"."held"
        AND "t41"."start" = "t29"."start"
        AND "t2"."step" = "t29"."step"
    ) AS "t42"
  ) AS "t43"
  GROUP BY
    1,
    2
) AS "t44"
ORDER BY
  "t44"."by" ASC,
  "t44"."step" ASC
