// A first program with JDBC. DATABASE_URL says where the wallet is.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.math.BigDecimal;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.postgresql.util.PSQLException;

public class JdbcFirst {
    static Connection connect() throws SQLException {
        URI url = URI.create(System.getenv("DATABASE_URL"));
        String[] user = (url.getUserInfo() + ":").split(":", -1);
        return DriverManager.getConnection(
            "jdbc:postgresql://" + url.getHost() + ":" + url.getPort() + url.getPath(), user[0], user[1]);
    }

    /** One statement is a transaction. Where another session was in the way: the same call, the same key. */
    static <T> T call(Connection connection, Class<T> type, String query, Object... arguments)
        throws SQLException {
        for (int left = 4; ; left--) {
            try (PreparedStatement statement = connection.prepareStatement(query)) {
                for (int i = 0; i < arguments.length; i++) {
                    statement.setObject(i + 1, arguments[i]);
                }
                try (ResultSet result = statement.executeQuery()) {
                    result.next();
                    return result.getObject(1, type);
                }
            } catch (SQLException error) {
                if (!List.of("40001", "40P01").contains(error.getSQLState()) || left == 0) {
                    throw error;
                }
            }
        }
    }

    /** The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why. */
    static JsonObject detail(PSQLException error) {
        String detail = error.getServerErrorMessage() == null ? null : error.getServerErrorMessage().getDetail();
        return detail != null && detail.startsWith("{")
            ? JsonParser.parseString(detail).getAsJsonObject() : new JsonObject();
    }

    public static void main(String[] arguments) throws SQLException {
        String key = UUID.randomUUID().toString();
        String pay = "SELECT wallet_transfer(?, ?, ?, ?)";
        BigDecimal amount = new BigDecimal("25.50");
        try (Connection connection = connect()) {
            UUID alice = call(connection, UUID.class, "SELECT wallet_create('alice')");
            UUID bob = call(connection, UUID.class, "SELECT wallet_create('bob')");
            call(connection, UUID.class, "SELECT wallet_fund(?, ?, ?)",
                alice, new BigDecimal("100"), "deposit-" + key);

            UUID order = call(connection, UUID.class, pay, alice, bob, amount, "order-" + key);
            UUID again = call(connection, UUID.class, pay, alice, bob, amount, "order-" + key);
            System.out.println("paid once: " + order.equals(again));
            System.out.println("bob has "
                + call(connection, BigDecimal.class, "SELECT balance FROM wallet_get(?)", bob));
            try {
                call(connection, UUID.class, pay, alice, bob, new BigDecimal("80"), "more-" + key);
            } catch (PSQLException error) {
                System.out.println("refused: " + error.getSQLState() + " "
                    + detail(error).get("available").getAsString());
            }
        }
    }
}
