# A first program with ActiveRecord. DATABASE_URL says where the wallet is.
require 'active_record'
require 'json'
require 'securerandom'

ActiveRecord::Base.establish_connection(ENV.fetch('DATABASE_URL'))

# exec_query: select_value and its kind answer a repeated SELECT from Rails' query cache, and the call
# would never reach the server. Where another session was in the way: the same call, the same key.
def call(expression, *arguments, attempts: 5)
  binds = arguments.map do |value|
    ActiveRecord::Relation::QueryAttribute.new('', value, ActiveRecord::Type::Value.new)
  end
  ActiveRecord::Base.transaction(requires_new: false) do
    ActiveRecord::Base.connection.exec_query("SELECT #{expression} AS id", 'wallet', binds).first['id']
  end
rescue ActiveRecord::SerializationFailure, ActiveRecord::Deadlocked
  (attempts -= 1).positive? ? retry : raise
end

# The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why.
def refusal(error)
  result = error.cause.result
  detail = result.error_field(PG::PG_DIAG_MESSAGE_DETAIL).to_s
  [result.error_field(PG::PG_DIAG_SQLSTATE), detail.start_with?('{') ? JSON.parse(detail) : {}]
end

key = SecureRandom.uuid
alice = call('wallet_create($1)', 'alice')
bob = call('wallet_create($1)', 'bob')
# Inside cache { }, as Rails runs every request.
ActiveRecord::Base.cache do
  call('wallet_fund($1, $2, $3)', alice, '60', "deposit-1-#{key}")
  2.times { call('wallet_fund($1, $2)', alice, '20') }

  pay = 'wallet_transfer($1, $2, $3, $4)'
  order = call(pay, alice, bob, '25.50', "order-#{key}")
  again = call(pay, alice, bob, '25.50', "order-#{key}")
  puts "paid once: #{order == again}"
  puts "bob has #{call('(wallet_get($1)).balance', bob).to_s('F')}"
  begin
    call(pay, alice, bob, '80', "more-#{key}")
  rescue ActiveRecord::StatementInvalid => e
    state, detail = refusal(e)
    puts "refused: #{state} #{detail['available']}"
  end
end
