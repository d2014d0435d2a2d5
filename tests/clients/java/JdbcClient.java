// The wallet from JDBC. PGHOST, PGPORT, PGUSER and PGDATABASE say where it is.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.postgresql.util.PSQLException;

public class JdbcClient {
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    record Refusal(String state, JsonObject detail) {}

    static Connection connect() throws SQLException {
        Map<String, String> env = System.getenv();
        String url = String.format("jdbc:postgresql://%s:%s/%s",
            env.get("PGHOST"), env.get("PGPORT"), env.get("PGDATABASE"));
        return DriverManager.getConnection(url, env.get("PGUSER"), env.get("PGPASSWORD"));
    }

    static <T> T call(Connection connection, Class<T> type, String query, Object... arguments)
        throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            try (ResultSet result = statement.executeQuery()) {
                result.next();
                return result.getObject(1, type);
            }
        }
    }

    static UUID transfer(Connection connection, UUID payer, UUID payee, String amount, String key)
        throws SQLException {
        return call(connection, UUID.class, "SELECT wallet_transfer(?, ?, ?, ?)",
            payer, payee, new BigDecimal(amount), key);
    }

    static String available(Connection connection, UUID wallet) throws SQLException {
        return call(connection, BigDecimal.class, "SELECT available FROM wallet_get(?)", wallet)
            .toPlainString();
    }

    /** Runs work in a transaction, again where another session was in its way: same call, same key. */
    static <T> T inTransaction(Connection connection, Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        try {
            for (int left = 4; ; left--) {
                try {
                    T result = work.run(connection);
                    connection.commit();
                    return result;
                } catch (SQLException error) {
                    connection.rollback();
                    if (!List.of("40001", "40P01").contains(error.getSQLState()) || left == 0) {
                        throw error;
                    }
                }
            }
        } finally {
            connection.setAutoCommit(true);
        }
    }

    /** The SQLSTATE says what to do, the JSON in DETAIL says why. */
    static Refusal refusal(Connection connection, Work<?> work) throws SQLException {
        try {
            work.run(connection);
        } catch (PSQLException error) {
            String detail = error.getServerErrorMessage().getDetail();
            return new Refusal(error.getSQLState(), detail != null && detail.startsWith("{")
                ? JsonParser.parseString(detail).getAsJsonObject() : new JsonObject());
        }
        return new Refusal("00000", new JsonObject());
    }

    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = connect()) {
            UUID alice = call(connection, UUID.class, "SELECT wallet_create(?)", "alice");
            UUID bob = call(connection, UUID.class, "SELECT wallet_create(?)", "bob");
            call(connection, UUID.class, "SELECT wallet_fund(?, ?, ?)",
                alice, new BigDecimal("100"), "deposit-1");
            isEqual(available(connection, alice), "100.0000", "a wallet is funded");

            UUID order = transfer(connection, alice, bob, "25.50", "order-17");
            isEqual(available(connection, bob), "25.5000", "a transfer moves money");

            Refusal insufficient = refusal(connection, c -> transfer(c, alice, bob, "80", "order-18"));
            isEqual(insufficient.state(), "WL002", "more than there is: insufficient_funds");
            isEqual(insufficient.detail().toString(),
                "{\"wallet_id\":\"" + alice + "\",\"available\":\"74.5000\",\"requested\":\"80.0000\"}",
                "its DETAIL has the amounts");

            Refusal outdated = refusal(connection, c -> call(c, UUID.class,
                "SELECT wallet_transfer(?, ?, ?, expected_version => ?, metadata => ?::jsonb)",
                alice, bob, BigDecimal.ONE, 1L, "{\"order\": 18}"));
            isEqual(outdated.state(), "WL004", "a version that is no more: version_conflict");
            isEqual(outdated.detail().toString(),
                "{\"wallet_id\":\"" + alice + "\",\"expected\":1,\"actual\":2}",
                "its DETAIL has the versions");

            UUID retried = transfer(connection, alice, bob, "25.5", "order-17");
            isEqual(retried, order, "the same request under its key: the first id");
            isEqual(available(connection, alice), "74.5000", "and no money moves again");

            Refusal conflict = refusal(connection, c -> transfer(c, alice, bob, "26", "order-17"));
            isEqual(conflict.state(), "WL005", "another request under the key: idempotency_conflict");
            isEqual(conflict.detail().get("field").getAsString(), "amount", "its DETAIL names the field");

            // Pays out all there is. On the first try another session is quicker.
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            List<String> seen = new ArrayList<>();
            inTransaction(connection, c -> {
                String amount = available(c, alice);
                seen.add(amount);
                if (seen.size() == 1) {
                    try (Connection other = connect()) {
                        transfer(other, alice, bob, "10", "order-19");
                    }
                }
                return transfer(c, alice, bob, amount, "sweep-1");
            });
            isEqual(seen, List.of("74.5000", "64.5000"), "40001: the retry sees the new balance");
            isEqual(available(connection, alice), "0.0000", "and succeeds");
        }
        done();
    }

    // What the client finds, as TAP on standard output.

    private static int tests;
    private static int failed;

    private static void isEqual(Object got, Object expected, String name) {
        boolean ok = expected.equals(got);
        System.out.printf("%s %d - %s%n", ok ? "ok" : "not ok", ++tests, name);
        if (!ok) {
            System.out.printf("# got %s, expected %s%n", got, expected);
            failed++;
        }
    }

    private static void done() {
        System.out.printf("1..%d%n", tests);
        System.exit(tests > 0 && failed == 0 ? 0 : 1);
    }
}
