using System.Text.RegularExpressions;

namespace Cria.Evaluation.Pocket;

/// <summary>Questions and requests from outside the world, made by filling templates: what a small model should admit not to know.</summary>
static partial class Questions
{
    static readonly string[] Templates =
    [
        "who is {person}", "who was {person}", "who is the {office} of {country}", "who invented {invention}", "who discovered {topic}", "who wrote {work}", "who painted {work}",
        "who won {contest}", "who is the {best} {profession} in the world", "who built {sight}", "who are {group}", "who lives in {country}",
        "what is {topic}", "what is {topic}", "what is the capital of {country}", "what is the population of {country}", "what is the currency of {country}",
        "what is the {best} {thing} in the world", "what is the {best} {thing} in {country}", "what is the difference between {topic} and {topic}", "what is the history of {topic}",
        "what is the price of {product}", "what is the time", "what time is it", "what day is it today", "what is the date today", "what is the weather like", "what is the weather in {country}",
        "what is the meaning of {topic}", "what are {group}", "what do {group} eat", "what do you think about {topic}", "what does {topic} mean", "what happened in {year}", "what happened in {country} in {year}",
        "what should I {action}", "what can I cook with {food}", "what language is spoken in {country}", "what color is {body}", "what is your favourite {thing}", "what is new in {topic}",
        "what causes {topic}", "what is {person} famous for", "what is the formula for {topic}",
        "when was {person} born", "when was {sight} built", "when did {event} start", "when did {event} end", "when was {invention} invented", "when is {holiday}", "when does {contest} start",
        "where is {country}", "where is {sight}", "where can I buy {product}", "where does {food} come from", "where was {person} born", "where do {group} live", "where am I", "where can I learn {topic}",
        "which {thing} is the {best}", "which {product} should I buy", "which country has the {best} {thing}",
        "why is {body} {quality}", "why do {group} {verb}", "why did {event} happen", "why is {topic} important", "why do we need {topic}", "why are {group} {quality}",
        "how do I {task}", "how can I {task}", "how to {task}", "how does {invention} work", "how do {group} {verb}", "how old is {person}", "how old is {body}", "how tall is {sight}", "how far away is {body}",
        "how big is {country}", "how hot is {body}", "how many people live in {country}", "how many {group} are there in {country}", "how much does {product} cost", "how long does it take to {task}",
        "how is {topic} used", "how do you make {food}", "how did {event} end",
        "write {text} about {topic}", "write me {text} about {group}", "write {text}", "tell me {text}", "tell me {text} about {topic}", "tell me about {topic}", "tell me about {country}",
        "tell me more about {person}", "explain {topic}", "explain {topic} to a child", "explain how {invention} works", "define {topic}", "describe {country}", "describe {sight}",
        "recommend a {thing}", "recommend a {thing} about {topic}", "give me {text}", "give me a recipe for {food}", "give me information about {topic}", "give me ideas for {topic}",
        "can you {skill}", "can you tell me about {topic}", "can you explain {topic}", "can you help me {task}", "can you write {text}", "do you know {person}", "do you know anything about {topic}", "do you like {food}",
        "is {topic} dangerous", "is {country} beautiful", "is {food} healthy", "is {person} still alive", "are {group} dangerous", "does {country} have {topic}", "did {event} really happen",
        "should I {action}", "should I buy {product}", "will {topic} change the world", "I want to {task}", "I want to learn about {topic}", "I need help with {topic}", "help me {task}", "teach me {topic}",
        "let us talk about {topic}", "show me {product}", "compare {topic} and {topic}", "list the {best} {thing}s of {country}", "plan a trip to {country}", "{topic}", "{country}", "{product}", "{person}",
        "solve {equation}", "fix this code", "code {text} in Python", "I feel {quality}", "sing {text}", "play {contest}", "imagine {topic}", "debate {topic}", "book a hotel in {country}", "search for {topic}",
    ];

    static readonly Dictionary<string, string[]> Slots = new()
    {
        ["person"] = ["Einstein", "Napoleon", "Shakespeare", "Cleopatra", "Mozart", "Gandhi", "Marie Curie", "Elon Musk", "Taylor Swift", "Beyonce", "Messi", "Picasso", "Julius Caesar", "Newton",
            "Darwin", "Beethoven", "Obama", "Lincoln", "Aristotle", "Buddha", "Barack Obama", "Albert Einstein", "Leonardo da Vinci", "Mark Zuckerberg", "Donald Trump", "Angela Merkel", "Harry Potter"],
        ["office"] = ["president", "king", "queen", "prime minister", "chancellor", "leader", "emperor"],
        ["country"] = ["France", "Germany", "Italy", "Spain", "Portugal", "India", "Thailand", "Brazil", "Mexico", "Japan", "China", "Australia", "Canada", "Egypt", "Kenya", "Norway", "Sweden", "Poland", "Greece",
            "Turkey", "Russia", "Ukraine", "Argentina", "Peru", "the United States", "America", "England", "Africa", "Europe", "Asia", "New York", "Tokyo", "California", "Switzerland", "Austria", "Nigeria"],
        ["invention"] = ["the telephone", "the computer", "the internet", "the wheel", "the light bulb", "a car engine", "an airplane", "a battery", "a camera", "the radio", "television", "a microwave",
            "a transformer", "a neural network", "a language model", "GPS", "a rocket", "paper", "the printing press", "a refrigerator", "a solar panel", "blockchain"],
        ["work"] = ["Hamlet", "Faust", "the Bible", "Don Quixote", "the Mona Lisa", "Romeo and Juliet", "War and Peace", "The Lord of the Rings", "1984", "the Odyssey", "Guernica", "Harry Potter", "the Iliad"],
        ["contest"] = ["the world cup", "the World Cup in 2014", "the Olympics", "the election", "the Super Bowl", "the Nobel Prize", "chess", "the Champions League", "Eurovision", "the last election", "the Oscars"],
        ["best"] = ["best", "largest", "smallest", "biggest", "oldest", "tallest", "fastest", "longest", "richest", "cheapest", "most famous", "highest", "worst", "most beautiful"],
        ["profession"] = ["person", "man", "woman", "scientist", "singer", "actor", "player", "athlete", "writer", "politician", "painter"],
        ["sight"] = ["Mount Everest", "the Eiffel Tower", "the Great Wall", "the Taj Mahal", "the Colosseum", "Big Ben", "the White House", "the Statue of Liberty", "the pyramids", "Machu Picchu", "Stonehenge"],
        ["group"] = ["cats", "dogs", "birds", "whales", "bees", "dinosaurs", "people", "humans", "children", "robots", "the Vikings", "the Romans", "planets", "stars", "sharks", "elephants", "vampires", "atoms",
            "bacteria", "viruses", "trees", "ants", "penguins", "lions", "aliens", "black holes", "volcanoes", "computers"],
        ["topic"] = ["love", "life", "the meaning of life", "gravity", "quantum physics", "machine learning", "artificial intelligence", "history", "art", "music", "football", "democracy", "capitalism", "climate change",
            "photosynthesis", "DNA", "evolution", "mathematics", "algebra", "philosophy", "religion", "politics", "the economy", "inflation", "the stock market", "bitcoin", "physics", "chemistry", "biology",
            "space", "time", "the speed of light", "the universe", "the ocean", "the sea", "nature", "war", "peace", "happiness", "friendship", "freedom", "money", "health", "cancer", "sleep", "dreams", "sport", "tennis",
            "cooking", "programming", "Python", "JavaScript", "C#", "Linux", "Windows", "Google", "Apple", "OpenAI", "ChatGPT", "Facebook", "the internet", "education", "school", "work", "energy", "electricity", "water",
            "fire", "rain", "snow", "winter", "summer", "spring", "the moon", "the sun", "Mars", "the brain", "the heart", "language", "grammar", "poetry", "literature", "film", "fashion", "medicine", "law", "nuclear power",
            "relativity", "entropy", "calculus", "statistics", "recursion", "a prime number", "a black hole", "a compiler", "a database", "a noun", "an atom", "consciousness", "the future", "the past", "friction", "a tomato"],
        ["thing"] = ["film", "book", "song", "city", "country", "restaurant", "phone", "river", "mountain", "lake", "ocean", "animal", "game", "laptop", "language", "hotel", "team", "school", "planet", "museum", "movie", "color"],
        ["product"] = ["an iPhone", "a new car", "a laptop", "gold", "shoes", "a house", "a guitar", "Tesla", "a bicycle", "a ticket", "bread", "a phone", "oil", "a television", "stocks", "flowers", "a camera"],
        ["year"] = ["1969", "1492", "1789", "1945", "1989", "2001", "2020", "1066", "1914", "1999", "2008", "2024"],
        ["action"] = ["eat today", "wear today", "do today", "do tomorrow", "read", "watch tonight", "study", "learn first", "buy", "cook for dinner", "say to my boss", "visit in Italy", "quit my job", "invest in gold", "go to bed"],
        ["food"] = ["pizza", "pasta", "rice", "bread", "chocolate", "soup", "coffee", "tea", "cheese", "pancakes", "sushi", "a cake", "curry", "bananas", "milk", "potatoes", "beer", "wine", "sugar", "honey"],
        ["body"] = ["the moon", "the sun", "the earth", "the sky", "Mars", "Jupiter", "the universe", "the sea", "grass", "the galaxy", "snow", "the ocean"],
        ["event"] = ["the French Revolution", "the Second World War", "World War 2", "the First World War", "the Cold War", "the Renaissance", "the moon landing", "the Roman Empire", "the big bang", "the pandemic", "the Middle Ages"],
        ["holiday"] = ["Easter", "Christmas", "Diwali", "New Year", "Thanksgiving", "Ramadan", "my birthday", "the next full moon", "Halloween", "Songkran"],
        ["quality"] = ["blue", "green", "red", "hot", "cold", "big", "small", "round", "salty", "sad", "happy", "lonely", "bored", "tired", "important", "smart", "dangerous", "sick", "angry"],
        ["verb"] = ["sleep", "fly", "swim", "dream", "die", "eat", "exist", "cry", "fight", "grow", "sing", "work", "live", "move", "learn", "communicate", "laugh"],
        ["task"] = ["cook rice", "bake bread", "fix a bicycle", "lose weight", "learn English", "learn Spanish", "learn to code", "make money", "get a job", "write a book", "build a house", "make coffee", "tie a tie",
            "play the guitar", "install Linux", "install Python", "sort a list", "read a file in C#", "open a bank account", "get rich", "sleep better", "be happy", "grow tomatoes", "paint a wall", "make friends",
            "fly to the moon", "reset my password", "plan a trip", "boil an egg", "do my homework", "write an email", "write code", "find a flat", "buy a car", "learn math", "train a model", "start a company", "stop smoking"],
        ["text"] = ["a poem", "a story", "a joke", "an essay", "a song", "a letter", "a short story", "a haiku", "a Python program", "a function", "an email", "a fairy tale", "a speech", "a fun fact", "a riddle", "a secret",
            "something interesting", "some advice", "the news", "a recipe", "code", "a blog post", "a website", "a game", "a quote"],
        ["skill"] = ["draw a picture", "sing", "dance", "see me", "hear me", "think", "feel pain", "play chess", "write code", "browse the internet", "search the web", "remember me", "read my files", "generate images",
            "make a video", "solve equations", "speak", "cook", "drive a car", "send an email", "book a flight", "learn", "lie", "keep a secret", "read a PDF", "see images", "watch videos", "speak Japanese"],
        ["equation"] = ["x + 3 = 7", "this equation", "2x = 10", "the riddle", "x^2 = 16", "my problem", "a puzzle", "a Sudoku"],
    };

    /// <summary>A question, in lower case but for names.</summary>
    public static string Create(PocketRandom random) => Fill(random, random.Pick(Templates));

    static string Fill(PocketRandom random, string template) => Slot().Replace(template, match => random.Pick(Slots[match.Groups[1].Value]));

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Slot();
}
