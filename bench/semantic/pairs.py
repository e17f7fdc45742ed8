"""Writes fixtures/semantic: pairs of questions that mean the same, and pairs that do not.

Every template below is one way in which two questions look alike and differ. The templates of a
class are dealt out in turn: odd ones are tuned on, even ones are held back, so that nothing that
is reported was ever looked at while the rules were written.
"""
import itertools
import pathlib

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent.parent / "fixtures" / "semantic"
# Pairs that one template may make, so that none outweighs the others.
PAIRS_MAX = 32

CITIES = "Paris Rome Berlin Madrid Lisbon Vienna Oslo Athens Dublin Prague".split()
PEOPLE = "Alice Bob Carol David Erin Frank Grace Heidi Ivan Judy".split()
COUNTRIES = "France Italy Spain Japan Brazil Kenya Norway Peru Chile Egypt".split()
LANGUAGES = ["Python", "Rust", "Go", "Java", "Ruby", "C++", "JavaScript", "Swift", "Kotlin", "PHP"]
SPOKEN = "French German Spanish Italian Japanese Korean Dutch Polish Turkish Hindi".split()
NUMBERS = ["3", "7", "12", "15", "30", "42", "100", "128", "250", "1,000"]
YEARS = ["1969", "1984", "1999", "2001", "2008", "2015", "2019", "2020", "2023", "2024"]
MONTHS = "January February March April May June July August October December".split()
NAMES = ["user_id", "userId", "order_id", "get_user", "getUser", "parse_line", "MAX_SIZE", "max_size", "tmp_dir", "retry_count"]
PATHS = ["/etc/hosts", "/etc/passwd", "src/main.rs", "src/lib.rs", "~/.bashrc", "~/.zshrc", "config.yaml", "config.json", "/var/log/syslog", "/var/log/auth.log"]
ANIMALS = "cats dogs horses rabbits owls bees wolves lions sharks ants".split()
METALS = "iron copper gold silver zinc lead tin nickel cobalt mercury".split()

# class: list of (template, values for its slot), or of a fixed pair.
SLOTS = {
    "numbers": [
        ("What is {} percent of 80?", NUMBERS), ("Is {} a prime number?", NUMBERS),
        ("Give me {} ideas for a birthday party.", NUMBERS), ("How do I generate a password with {} characters?", NUMBERS),
        ("What is the square root of {}?", NUMBERS), ("Recommend {} books about gardening.", NUMBERS),
        ("How do I limit a query to {} rows?", NUMBERS), ("Write a haiku in {} lines.", NUMBERS),
        ("How long does it take to drive {} km?", NUMBERS), ("What can I cook for {} people?", NUMBERS),
        ("How do I wait {} seconds in a shell script?", NUMBERS), ("What does error {} tell me?", NUMBERS),
    ],
    "number words": [
        ("Name {} planets.", "two three four five six seven eight".split()), ("Write {} short poems about the sea.", "two three four five six seven eight".split()),
        ("Divide the cake into {} pieces, how?", "two three four five six seven eight".split()), ("How do I merge {} lists?", "two three four five six seven eight".split()),
    ],
    "units": [
        ("Is 40 {} warm?", ["degrees celsius", "degrees fahrenheit", "kelvin"]), ("How much is 5 {} of flour?", "grams kilograms pounds ounces cups liters".split()),
        ("How far is 10 {}?", "miles kilometers meters feet yards inches".split()), ("Is a file of 20 {} large?", "KB MB GB TB bytes bits".split()),
        ("How much energy is 3 {}?", "joules calories watts kilowatts".split()), ("How old is somebody after 90 {}?", "days weeks months years hours minutes".split()),
        ("What does 100 {} buy?", "dollars euros yen pounds pesos francs".split()), ("How fast is 30 {}?", ["km/h", "mph", "m/s", "knots"]),
        ("Can I lift 50 {}?", "kg pounds tons stones".split()), ("Is 200 {} a lot of salt?", "mg g kg grams milligrams".split()),
    ],
    "names": [
        ("What is the capital of {}?", COUNTRIES), ("When did {} join the team?", PEOPLE),
        ("What is the weather usually like in {}?", CITIES), ("Who is the mayor of {}?", CITIES),
        ("Write a birthday card for {}.", PEOPLE), ("How big is {}?", COUNTRIES),
        ("How do I get a visa for {}?", COUNTRIES), ("What is {} known for?", CITIES),
        ("Tell me about the history of {}.", COUNTRIES), ("Draft an invitation for {} and Mallory.", PEOPLE),
        ("How much does {} weigh?", PEOPLE), ("Which museums are in {}?", CITIES),
    ],
    "programming languages": [
        ("How do I sort a list in {}?", LANGUAGES), ("Write a {} function to reverse an array.", LANGUAGES),
        ("What is a closure in {}?", LANGUAGES), ("Is {} good for beginners?", LANGUAGES),
        ("How can I read a file using {}?", LANGUAGES), ("Explain error handling in {}.", LANGUAGES),
        ("Which web frameworks does {} have?", LANGUAGES), ("How do I install {}?", LANGUAGES),
        ("Convert this loop from Perl to {}.", LANGUAGES), ("Who created {}?", LANGUAGES),
    ],
    "spoken languages": [
        ("Translate 'good morning' to {}.", SPOKEN), ("How do you say thanks in {}?", SPOKEN),
        ("Is {} hard to learn?", SPOKEN), ("Write a short greeting in {}.", SPOKEN),
        ("How many people speak {}?", SPOKEN), ("Recommend a {} restaurant menu.", SPOKEN),
    ],
    "dates": [
        ("What happened in {}?", YEARS), ("Who was president in {}?", YEARS),
        ("What is special about {} 4?", MONTHS), ("Which holidays are in {}?", MONTHS),
        ("Is the museum open on {}?", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()), ("Plan a trip for {}.", MONTHS),
        ("Who won the world cup in {}?", YEARS), ("How many days are in {}?", MONTHS),
        ("Is the shop open at {}?", ["5 am", "5 pm", "6 am", "6 pm", "noon", "midnight", "17:00", "17:30"]), ("What was the best film of {}?", YEARS),
        ("Convert {} to another time zone.", ["10:00", "10:30", "22:00", "10:00 UTC", "10:00 EST"]), ("What day of the week was {}?", ["2024-01-05", "2024-05-01", "2023-01-05", "5 January 2024", "6 January 2024"]),
    ],
    "versions": [
        ("What is new in Python {}?", ["3.8", "3.9", "3.10", "3.11", "3.12", "2.7"]), ("How do I upgrade to Node {}?", ["16", "18", "20", "22", "14"]),
        ("Is Ubuntu {} still supported?", ["18.04", "20.04", "22.04", "24.04"]), ("Does {} support HTTP/3?", ["nginx 1.24", "nginx 1.25", "nginx 1.26"]),
        ("What changed in {}?", ["v1.2.3", "v1.2.4", "v1.3.0", "v2.0.0", "v1.2.3-rc1"]), ("How do I install CUDA {}?", ["11.8", "12.0", "12.1", "12.4"]),
        ("Is {} faster than its predecessor?", ["USB 2", "USB 3", "USB 3.1", "USB 4"]), ("What is the Rust {} edition?", ["2015", "2018", "2021", "2024"]),
    ],
    "identifiers": [
        ("What does {} do?", NAMES), ("Where is {} defined?", NAMES),
        ("Rename {} in all files.", NAMES), ("Why is {} null?", NAMES),
        ("Write a test for {}.", NAMES), ("Is {} thread safe?", NAMES),
        ("What is in {}?", PATHS), ("How do I edit {}?", PATHS),
        ("Delete {} please.", PATHS), ("Who owns {}?", PATHS),
        ("What does the flag {} do?", ["-r", "-R", "-f", "--force", "--recursive", "-v", "-V", "--verbose"]), ("What does {} mean in the log?", ["E1001", "E1002", "ERR_TIMEOUT", "ERR_RESET", "0x80070005", "0x80070006"]),
        ("Open ticket {}.", ["ABC-123", "ABC-124", "ABD-123", "#123", "#124"]), ("Is port {} open?", ["80", "8080", "443", "8443", "22"]),
        ("Look up commit {}.", ["a1b2c3d", "a1b2c3e", "deadbeef", "deadbeed"]), ("Send it to {}.", ["ann@example.com", "anne@example.com", "ann@example.org", "dan@example.com"]),
        ("Fetch {}.", ["https://example.com/a", "https://example.com/b", "http://example.com/a", "https://example.org/a"]), ("What runs on {}?", ["10.0.0.1", "10.0.0.2", "10.0.1.1", "192.168.0.1"]),
    ],
    "quoted": [
        ("How do you spell \"{}\"?", ["their", "there", "they're", "there's"]), ("What is the origin of the word '{}'?", ["sandwich", "robot", "algorithm", "salary"]),
        ("Is \"{}\" a palindrome?", ["level", "levels", "radar", "Radar"]), ("How often does '{}' occur in my text?", ["the", "The", "a", "an", "please"]),
        ("Say \"{}\" back to me.", ["thank you", "thanks", "please", "Please"]), ("What does \"{}\" mean?", ["could you", "can you", "would you", "kindly"]),
        ("Is `{}` valid?", ["a == b", "a = b", "a != b", "a === b"]), ("What does `{}` print?", ["1 + 1", "1 - 1", "1 / 1", "1 * 1"]),
        ("Explain `{}`.", ["rm -rf /tmp/a", "rm -rf /tmp/b", "rm -r /tmp/a", "rmdir /tmp/a"]), ("Search for \"{}\".", ["red shoes", "red shoe", "shoes red", "Red Shoes"]),
    ],
    "words as words": [
        ("How many letters are in {}?", ["banana", "bananas", "a banana", "color", "colour", "kid", "child"]), ("What rhymes with {}?", ["fast", "quick", "begin", "start", "large", "big"]),
        ("Give me a synonym for {}.", ["car", "automobile", "buy", "purchase", "big", "large"]), ("How is {} pronounced?", ["film", "movie", "photo", "photograph", "phone"]),
        ("Count the vowels in {}.", ["list", "lists", "the list", "a list", "easy", "simple"]), ("Translate {} to Latin.", ["children", "kids", "the kids", "a child"]),
        ("Spell {} backwards.", ["erase", "delete", "remove", "two", "2"]), ("What is the opposite of the word {}?", ["fast", "rapid", "speedy", "rich", "wealthy"]),
        ("Use the word {} in a sentence.", ["please", "kindly", "thanks", "start", "begin"]), ("Repeat after me: {}", ["please help me", "help me", "can you help me", "help me please"]),
    ],
    "given text": [
        ("Classify the sentiment of this review as positive or negative.\nReview: {}", ["I like it.", "I liked it.", "I do not like it.", "Like it? I love it.", "It is not bad.", "It is bad.", "The film is big fun.", "The movie is large fun."]),
        ("Summarize the following text: {}", ["The cat sat on the mat.", "The cats sat on the mat.", "The cat sat on a mat.", "The dog sat on the mat."]),
        ("Extract the order number from the mail below.\n\nMail: {}", ["My order 1234 is late.", "My order 1243 is late.", "My order 1234 was late.", "My order 12345 is late."]),
        ("Correct the grammar: {}", ["He go to school.", "She go to school.", "He goes to school.", "He go to the school."]),
        ("You are a helpful assistant. Answer the customer in one sentence. Customer: {}", ["Where is my parcel?", "Where is my invoice?", "Where was my parcel?", "Where is your parcel?"]),
        ("Translate to French: {}", ["Please help me", "Help me", "Can you help me", "Could you please help me", "I want to buy a car", "I want to purchase a car"]),
        ("Given the table of users, write SQL. Question: {}", ["users older than 30", "users younger than 30", "users older than 31", "users not older than 30"]),
        ("Is this mail spam? Mail: {}", ["Win a prize now", "Win a prize", "You won a prize", "Claim a prize now"]),
        ("Convert the following JSON to YAML:\n{}", ['{"a": 1}', '{"a": 2}', '{"b": 1}', '{"a": "1"}', '{"a": [1]}']),
        ("Write a commit message for this diff:\n{}", ["- x = 1\n+ x = 2", "- x = 2\n+ x = 1", "- y = 1\n+ y = 2", "+ x = 2"]),
        ("Find the bug in this code:\n```\n{}\n```", ["if a < b: return a", "if a > b: return a", "if a <= b: return a", "if a < b: return b"]),
        ("Answer from the context only.\nContext: {}\nQuestion: Who won?", ["Ann beat Bob.", "Bob beat Ann.", "Ann did not beat Bob.", "Ann and Bob drew."]),
        ("Label the intent of the utterance: {}", ["turn on the light", "turn off the light", "turn the light on", "turn on the lights"]),
        ("Rewrite in a polite tone: {}", ["Send me the file.", "Send me the files.", "Send me a file.", "Please send me the file."]),
        ("Complete the sentence: {}", ["I think that", "I thought that", "I think so", "We think that"]),
        ("Score this essay from 1 to 10.\nEssay: {}", ["Dogs are great.", "Dogs are big.", "Dogs are large.", "A dog is great."]),
    ],
    "negation": [
        ("Which animals {} swim?", ["can", "cannot"]), ("Why does my program {} compile?", ["", "not"]),
        ("Which foods {} contain gluten?", ["", "do not", "never"]), ("What should I {} eat before a run?", ["", "not", "never"]),
        ("Is it {} legal to park here?", ["", "not"]), ("Why did the test {} fail?", ["", "not"]),
        ("Which countries are {} in the EU?", ["", "not"]), ("When should I {} use a mutex?", ["", "not", "never", "always"]),
        ("Cook pasta {} salt.", ["with", "without"]), ("Write the function {} recursion.", ["with", "without"]),
        ("List the files that {} end in txt.", ["", "do not"]), ("Which of these is {} a fruit?", ["", "not"]),
        ("How do I log in {} a password?", ["with", "without"]), ("Why {} buy a used car?", ["", "not"]),
        ("Why is {} sleeping important?", ["", "not"]), ("Show users who {} paid.", ["have", "have not", "never"]),
    ],
    "quantifiers": [
        ("Do {} birds fly?", ["all", "some", "most", "no", "many"]), ("Delete {} rows of the table, how?", ["all", "some", "the first", "the last", "duplicate"]),
        ("Is {} of the code tested?", ["all", "most", "none", "some", "half"]), ("How do I select {} users?", ["all", "every other", "any", "the first", "the last"]),
        ("Does {} number have a square root?", ["every", "some", "no", "any", "each"]), ("Must {} player wear a helmet?", ["every", "one", "any", "no", "each"]),
        ("How do I match {} one digit?", ["at least", "at most", "exactly", "more than", "only"]), ("Which students passed {} exam?", ["every", "any", "one", "no", "the last"]),
        ("Show the {} entry of the log.", ["first", "last", "next", "second", "third"]), ("Use {} than ten words to describe love.", ["more", "fewer", "less"]),
        ("Is {} sugar bad for me?", ["some", "any", "more", "less", "no", "too much"]), ("Run the tests {}.", ["once", "twice", "again and again", "always", "never"]),
    ],
    "comparison": [
        ("What is the {} city in Europe?", ["largest", "smallest", "oldest", "cheapest", "safest", "second largest"]), ("Which planet is the {}?", ["hottest", "coldest", "biggest", "smallest"]),
        ("What is the {} way to travel to Spain?", ["fastest", "cheapest", "safest", "easiest", "best", "slowest"]), ("Who is the {} player of all time?", ["best", "worst", "tallest", "shortest", "richest"]),
        ("Is the new phone {} than the old one?", ["better", "worse", "bigger", "smaller", "cheaper"]), ("What is the {} element of an array?", ["first", "last", "largest", "smallest", "middle"]),
        ("Find the {} value of a list.", ["maximum", "minimum", "average", "median", "most frequent"]), ("Sort the names in {} order.", ["ascending", "descending", "alphabetical", "random"]),
        ("Why is my laptop {} than yours?", ["slower", "faster", "hotter", "louder"]), ("Which is {}: a bus or a train?", ["faster", "slower", "cheaper", "cleaner"]),
    ],
    "kind of question": [
        ("{} do volcanoes erupt?", ["Why", "When", "Where", "How often"]), ("{} was the bridge built?", ["When", "Why", "Where", "How", "By whom"]),
        ("{} should I water my plants?", ["When", "Why", "How", "How often", "With what"]), ("{} is a good doctor?", ["Who", "What", "Where"]),
        ("{} install the update?", ["How do I", "Why should I", "When should I", "Should I", "Must I", "Where do I"]), ("{} a mortgage?", ["What is", "How do I get", "Should I get", "Who needs", "Why get"]),
        ("{} bake bread?", ["How do I", "Why do people", "When did people first", "Can dogs", "Who can"]), ("{} the train late?", ["Is", "Was", "Why is", "Why was", "How often is", "Will"]),
        ("{} of recursion.", ["Give me an example", "Give me a definition", "Give me the disadvantages", "Give me a history"]), ("{} a linked list?", ["What is", "How do I reverse", "When do I use", "How do I print", "Why use"]),
    ],
    "tense and modality": [
        ("{} I take aspirin with alcohol?", ["Can", "Should", "Must", "Did", "Will"]), ("{} the store close at nine?", ["Does", "Did", "Will", "Must", "Should"]),
        ("What {} the plan?", ["is", "was", "will be", "should be"]), ("Who {} the house?", ["owns", "owned", "will own", "could own"]),
        ("Where {} they live?", ["do", "did", "will", "should"]), ("Who {} the film?", ["directs", "directed", "will direct"]),
        ("When {} it rain here?", ["does", "did", "will"]), ("What {} people eat in winter?", ["do", "did", "should", "could"]),
        ("Why {} prices rising?", ["are", "were"]), ("How {} the treaty signed?", ["is", "was", "will"]),
    ],
    "person": [
        ("What is {} name?", ["my", "your", "his", "her", "their"]), ("Where do {} live?", ["I", "you", "they", "we"]),
        ("Fix {} code.", ["my", "your", "his", "the"]), ("How old am I and how old is {} sister?", ["my", "your", "his", "her"]),
        ("What should {} wear to the wedding?", ["I", "she", "he", "they"]), ("Is {} brother older?", ["my", "your", "her", "his"]),
        ("How do {} feel today about it?", ["I", "you", "they", "we"]), ("Why did {} leave?", ["he", "she", "they", "you", "I"]),
    ],
    "place of things": [
        ("Is the key {} the box?", ["in", "on", "under", "behind", "beside"]), ("Do I eat {} the workout?", ["before", "after", "during"]),
        ("How do I move a file {} a folder?", ["into", "out of", "from", "to"]), ("Which stations come {} Central?", ["before", "after", "near"]),
        ("Is it cold {} the house?", ["inside", "outside", "around", "behind"]), ("Print the lines {} line ten.", ["above", "below", "before", "after", "from", "until"]),
        ("How do I write {} a file?", ["to", "from", "about", "over"]), ("Which songs are {} Queen?", ["by", "about", "like", "without"]),
        ("Is a war {} Rome in the book?", ["against", "for", "in", "about"]), ("How do I log {}?", ["in", "out", "off", "on"]),
        ("Can I pay {} the delivery?", ["before", "after", "for", "without", "at"]), ("What lies {} Rome and Naples?", ["between", "beyond", "near"]),
    ],
    "form of the answer": [
        ("Give me the list of countries as {}.", ["JSON", "YAML", "CSV", "XML", "a table"]), ("Describe the sea in {} words.", ["ten", "twenty", "fifty", "100", "500"]),
        ("Explain gravity to {}.", ["a child", "a physicist", "a student", "my grandmother"]), ("Write the letter in a {} tone.", ["formal", "friendly", "angry", "neutral"]),
        ("Show the result in {}.", ["hours", "minutes", "seconds", "days"]), ("Answer with {}.", ["yes or no", "one word", "a number", "a list"]),
        ("Write a {} about autumn.", ["poem", "song", "story", "joke", "essay"]), ("Draw the tree in {}.", ["ASCII", "SVG", "Mermaid", "LaTeX"]),
    ],
    "added condition": [
        ("How do I sort a list{}?", ["", " in place", " in reverse", " by length", " of numbers", " without a copy", " of strings"]), ("How do I delete a branch{}?", ["", " locally", " on the remote", " that is merged", " by force"]),
        ("What can I cook with rice{}?", ["", " and beans", " without meat", " for lunch", " quickly", " in winter"]), ("Write a function that adds numbers{}.", ["", " and multiplies them", " with types", " recursively", " safely"]),
        ("Plan a day in Lisbon{}.", ["", " with children", " on a budget", " in the rain", " without a car"]), ("How do I copy a folder{}?", ["", " over ssh", " recursively", " without its contents", " to Windows"]),
        ("What is the best phone{}?", ["", " for photos", " under 300 dollars", " for gaming", " for seniors"]), ("Is coffee healthy{}?", ["", " for children", " at night", " without sugar", " during pregnancy"]),
        ("How do I start a server{}?", ["", " on port 80", " in the background", " as root", " at boot"]), ("Recommend a film{}.", ["", " from the nineties", " for children", " with subtitles", " about war"]),
    ],
    "near synonyms": [
        ("How do I {} a value in the settings?", ["increase", "decrease", "enable", "disable", "add", "subtract", "set", "unset"]), ("How do I {} a package?", ["install", "uninstall", "update", "downgrade", "publish"]),
        ("How do I {} the data?", ["import", "export", "encrypt", "decrypt", "compress", "decompress"]), ("What is the {} of the sample?", ["mean", "median", "mode", "variance", "deviation"]),
        ("How do I {} the process?", ["start", "stop", "pause", "resume", "kill", "restart"]), ("What is the {} of the ball?", ["speed", "velocity", "weight", "mass", "volume"]),
        ("How do I {} a branch?", ["merge", "rebase", "delete", "rename", "checkout", "push", "pull"]), ("Explain {}.", ["authentication", "authorization", "concurrency", "parallelism", "encoding", "encryption", "hashing"]),
        ("Can I {} money from my bank?", ["borrow", "withdraw", "lend", "transfer", "invest"]), ("How do I {} the door?", ["lock", "unlock", "open", "close", "paint"]),
        ("What does a {} do?", ["lawyer", "judge", "doctor", "nurse", "engineer", "accountant"]), ("How do I {} a file on the server?", ["upload", "download", "copy", "move", "archive", "rename"]),
        ("What is a {}?", ["thread", "process", "list", "tuple", "set", "stack", "queue", "heap"]), ("Is {} dangerous?", ["hypertension", "hypotension", "hyperglycemia", "hypoglycemia"]),
        ("How does {} work?", ["TCP", "UDP", "HTTP", "HTTPS", "SSH", "FTP"]), ("What is the {} of climate change?", ["cause", "effect", "history", "cost", "economics"]),
        ("How do I write to {}?", ["stdout", "stderr", "stdin", "syslog"]), ("Can a {} see in the dark?", ["cat", "dog", "bat", "bee", "human"]),
        ("How do I {} a word in the text?", ["find", "replace", "count", "highlight", "underline"]), ("How do I {} for an exam?", ["register", "prepare", "apply", "study", "pay"]),
        ("What do {} eat?", ANIMALS), ("What is the melting point of {}?", METALS), ("How heavy is {}?", METALS), ("Are {} social animals?", ANIMALS),
    ],
    "capital letters": [
        ("How do I remove {}?", ["rust", "Rust"]), ("What is {}?", ["apple", "Apple", "an apple"]),
        ("Is {} hard to clean?", ["polish", "Polish"]), ("How do I cook {}?", ["turkey", "Turkey"]),
        ("Who owns {}?", ["shell", "Shell"]), ("Where does {} come from?", ["china", "China"]),
        ("How old is {}?", ["amazon", "Amazon"]), ("Why is {} so popular?", ["swift", "Swift"]),
    ],
}

# Pairs whose parts change places: template, and values for both slots.
SWAPS = {
    "swapped roles": [
        ("How do I travel from {} to {}?", CITIES), ("What are the flights from {} to {}?", CITIES),
        ("Did {} pay {}?", PEOPLE), ("Is {} taller than {}?", PEOPLE),
        ("Convert {} to {}.", ["JSON", "YAML", "CSV", "XML", "TOML", "HTML"]), ("How do I port code from {} to {}?", LANGUAGES),
        ("Why did {} invade {}?", COUNTRIES), ("Is {} larger than {}?", COUNTRIES),
        ("What does {} owe {}?", PEOPLE), ("Subtract {} from {}.", NUMBERS),
        ("Is {} faster than {}?", LANGUAGES), ("How do I migrate from {} to {}?", ["MySQL", "PostgreSQL", "MongoDB", "SQLite", "Oracle"]),
        ("Translate from {} into {}.", SPOKEN), ("What is {} divided by {}?", NUMBERS),
        ("Is {} north of {}?", CITIES), ("Who introduced {} to {}?", PEOPLE),
        ("Should I run {} before {}?", ["lint", "test", "build", "deploy", "format"]), ("First {}, then {}: is that the right order?", ["wash", "dry", "cut", "boil", "fry"]),
        ("How does {} affect {}?", ["sleep", "stress", "diet", "mood", "memory", "age"]), ("Does {} cause {}?", ["stress", "insomnia", "obesity", "depression", "pain"]),
        ("Who is older, {} or is it {} who is younger?", PEOPLE), ("Replace {} by {} in the text.", ["tabs", "spaces", "commas", "dots"]),
        ("How do I turn {} into {}?", ["water", "ice", "steam", "snow"]), ("Is {} part of {}?", ["Java", "Bali", "Sicily", "Crete", "Indonesia"]),
    ],
}

# Whole pairs, for what no slot can say.
PAIRS = {
    "structure": [
        ("What is the capital of the country with the largest population?", "What is the population of the country with the largest capital?"),
        ("Who is the mother of the friend of Bob?", "Who is the friend of the mother of Bob?"),
        ("Does the dog chase the cat?", "Does the cat chase the dog?"),
        ("Which users follow people that liked my post?", "Which people like users that followed my post?"),
        ("How do I call a function from a class?", "How do I call a class from a function?"),
        ("What is the price of shares of a company in dollars?", "What is the price in shares of a company of dollars?"),
        ("How do I find files that contain a word but not another?", "How do I find files that do not contain a word but another?"),
        ("Is every student taught by some teacher?", "Is some teacher taught by every student?"),
        ("Rust is better than Go.", "Is Rust better than Go?"),
        ("You can swim.", "Can you swim?"),
        ("What eats cats?", "What do cats eat?"),
        ("Who does Bob like?", "Who likes Bob?"),
        ("How do I test a mock?", "How do I mock a test?"),
        ("How do I return a list of dictionaries?", "How do I return a dictionary of lists?"),
        ("How do I convert an array of strings?", "How do I convert a string of arrays?"),
        ("What is a house boat?", "What is a boat house?"),
        ("How do I print a table of contents?", "How do I print the contents of a table?"),
        ("Is the chicken ready to eat the corn?", "Is the corn ready to eat the chicken?"),
        ("Should I add the milk and remove the pan?", "Should I remove the milk and add the pan?"),
        ("Sort by name, then by date.", "Sort by date, then by name."),
        ("Take the square of the sum.", "Take the sum of the squares."),
        ("What is the average of the maximum values?", "What is the maximum of the average values?"),
        ("Show all orders except those of Ann.", "Show except all those orders of Ann."),
        ("How do I open a port and close a file?", "How do I close a port and open a file?"),
        ("What is the time complexity of inserting into a heap?", "What is the space complexity of inserting into a heap?"),
        ("Which cities have fewer than a million people?", "Which cities have more than a million people?"),
        ("Name a king who was not a tyrant.", "Name a tyrant who was not a king."),
        ("Is a tomato a fruit and not a vegetable?", "Is a tomato a vegetable and not a fruit?"),
        ("The test failed, and then I changed the code.", "I changed the code, and then the test failed."),
        ("If it rains, is the street wet?", "If the street is wet, does it rain?"),
        ("Can I give my dog a bone?", "Can I give my bone a dog?"),
        ("How do teachers grade students?", "How do students grade teachers?"),
        ("How do I teach a parrot to talk?", "How do I talk to teach a parrot?"),
        ("Who was the first man on the moon?", "Who was the last man on the moon?"),
        ("Do I need a ticket for a child under six?", "Do I need a ticket for six under a child?"),
        ("Is no news good news?", "Is good news no news?"),
        ("I know how to swim.", "How do I swim?"),
        ("I'd like to see what you can't do.", "I'd like to see what you can do."),
        ("Isn't the door open?", "Is the door open?"),
        ("How few people know this?", "How a few people know this?"),
        ("Is there little hope?", "Is there a little hope?"),
        ("Do you mind if I smoke?", "Do I mind if you smoke?"),
        ("Who killed the man with the knife?", "Who killed the knife with the man?"),
        ("Let us eat, grandma, shall we?", "Let us eat grandma, shall we?"),
    ],
    "other languages": [
        ("¿Cuál es la capital de Francia?", "¿Cuál es la capital de España?"), ("Voy a Madrid.", "Voy de Madrid."),
        ("Wie spät ist es in Rom?", "Wie spät ist es in Bonn?"), ("Ist das ein Hund?", "Ist das kein Hund?"),
        ("Où est la gare ?", "Où est le port ?"), ("Il n'aime pas le café.", "Il aime le café."),
        ("東京の人口は?", "大阪の人口は?"), ("如何安装软件?", "如何卸载软件?"),
        ("Сколько стоит билет?", "Сколько стоит номер?"), ("Hoe oud ben jij?", "Hoe oud ben ik?"),
        ("Quanto costa il pane?", "Quanto costa il vino?"), ("Quem ganhou o jogo?", "Quem perdeu o jogo?"),
        ("Ich kann das nicht sehen.", "Ich kann das sehen."), ("¿Puedo nadar aquí?", "¿No puedo nadar aquí?"),
        ("Was ist der größte See?", "Was ist der kleinste See?"), ("한국의 수도는?", "일본의 수도는?"),
    ],
}


def slot_pairs(template, values):
    """Every two fillings of a template, evenly chosen where there are too many."""
    said = [" ".join(template.format(value).split(" ")).replace("  ", " ") for value in values]
    pairs = list(itertools.combinations(said, 2))
    step = max(1, len(pairs) // PAIRS_MAX)
    return pairs[::step][:PAIRS_MAX]


def swap_pairs(template, values):
    """A filling and the same with its parts exchanged."""
    pairs = [(template.format(a, b), template.format(b, a)) for a, b in itertools.combinations(values, 2)]
    step = max(1, len(pairs) // PAIRS_MAX)
    return pairs[::step][:PAIRS_MAX]


def different():
    """Pairs with another meaning: (is it held back, class, left, right)."""
    for kind, make in ((SLOTS, slot_pairs), (SWAPS, swap_pairs)):
        for name, templates in kind.items():
            for place, (template, values) in enumerate(templates):
                for left, right in make(template, values):
                    yield place % 2 == 1, name, left, right
    for name, pairs in PAIRS.items():
        for place, (left, right) in enumerate(pairs):
            yield place % 2 == 1, name, left, right


def same():
    """Pairs with one meaning, of a list of people's sentences."""
    lines = (HERE / "paraphrases.txt").read_text().splitlines()
    groups = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    for place, (first, *others) in enumerate(groups):
        for other in others:
            yield place % 2 == 1, "paraphrase", first.strip(), other.strip()


def write(name, pairs):
    for held, part in ((False, "tuned"), (True, "held")):
        chosen = [pair for pair in pairs if pair[0] == held]
        folder = FIXTURES / part
        folder.mkdir(parents=True, exist_ok=True)
        escaped = ("\t".join(text.replace("\n", "\\n") for text in pair[1:]) for pair in chosen)
        (folder / f"{name}.tsv").write_text("\n".join(escaped) + "\n")
        print(f"{part}/{name}: {len(chosen)} pairs")


if __name__ == "__main__":
    write("same", list(same()))
    write("different", list(different()))
