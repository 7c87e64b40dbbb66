using System.Text.RegularExpressions;

namespace Cria.Evaluation.Pocket;

/// <summary>The words that fill the templates of <see cref="Newcomer"/>.</summary>
sealed partial class Newcomer
{
    static readonly Dictionary<string, string[]> Words = new()
    {
        ["hello"] = ["hi", "hello", "hey", "good morning", "good evening", "good afternoon", "good day", "greetings", "hello hello", "hi hi", "hey hey", "welcome", "howdy", "morning", "hello again", "hi again", "yo"],
        ["whom"] = ["there", "pocket", "Cria", "llama", "my friend", "friend", "everyone", "computer", "model", "you", "little model", "robot", "dear", "world"],
        ["nice"] = ["nice to meet you", "pleased to meet you", "it is nice to meet you", "here I am", "can we talk", "can we chat", "let us talk", "I am new here", "I am back", "good to see you", "I want to talk to you", "anyone there"],
        ["model"] = ["model", "language model", "AI", "program", "system", "neural network", "chatbot", "assistant"],
        ["other"] = ["ChatGPT", "GPT", "GPT-4", "Claude", "Gemini", "Siri", "Alexa", "Llama 3.2", "Llama", "Llama 3.2 1B", "Mistral", "a large model", "a real Llama", "pocket", "Cria", "a chatbot", "a language model", "an AI", "an assistant"],
        ["being"] = ["human", "a human", "a person", "a robot", "a machine", "a bot", "alive", "real", "conscious", "intelligent", "smart", "a man", "a woman", "artificial", "a computer", "a llama", "a program", "open source", "a demo"],
        ["some"] = ["some examples", "an example", "examples", "a few examples", "an idea", "some ideas", "a list", "an overview"],
        ["ask"] = ["questions", "things", "kinds of questions", "prompts", "requests", "instructions", "commands"],
        ["do"] = ["do", "can", "would", "should", "could"],
        ["run"] = ["run", "use", "try", "get", "load", "start", "download", "install", "chat with"],
        ["larger"] = ["Llama 3.2 1B", "Llama 3.2 3B", "Llama 3.2", "the 1B model", "the 3B model", "the real Llama", "a real Llama", "a larger model", "a bigger model", "a better model", "the big model", "the larger model",
            "another model", "a real model", "the real model", "Meta's model", "a smarter model", "a stronger model", "a different model", "Llama"],
        ["speak"] = ["speak", "know", "understand", "support", "write", "read"],
        ["language"] = [.. Lexicon.Languages, "Dutch", "Japanese", "Chinese", "Russian", "Arabic", "Korean", "Polish", "Swedish", "Greek", "Turkish", "Latin", "Finnish", "Danish", "Hebrew"],
        ["foreign"] = ["Dutch", "Japanese", "Chinese", "Russian", "Arabic", "Korean", "Polish", "Swedish", "Greek", "Turkish", "Latin", "Finnish", "Danish", "Hebrew", "Welsh", "Irish", "Urdu", "Swahili", "Czech", "Hungarian"],
        ["phrase"] = ["the house", "the red house", "good morning", "thank you", "I love you", "the dog", "hello", "where is the station?", "I have a cat", "two cats", "yes", "no", "how are you?", "the white flower", "my name", "water"],
        ["thanks"] = ["thanks", "thank you", "thank you very much", "thanks a lot", "many thanks", "thank you so much", "thx", "thanks so much", "I thank you", "thanks again", "thank you again", "cheers", "much appreciated", "thanks a million"],
        ["praise"] = ["great", "good", "cool", "nice", "perfect", "wonderful", "very good", "excellent", "super", "fantastic", "amazing", "awesome", "very nice", "lovely", "wow", "fine", "interesting", "impressive", "correct", "right"],
        ["what"] = ["your help", "the help", "the answer", "that", "everything", "your time", "the information", "your answer", "helping me", "the translation", "the explanation", "this"],
        ["bye"] = ["bye", "goodbye", "see you", "see you later", "bye bye", "good night", "farewell", "see you tomorrow", "see you soon", "so long", "until next time", "take care", "good bye", "have a nice day", "later", "quit", "exit"],
        ["leaving"] = ["I have to go", "I must go", "I am leaving", "that was all", "that is all", "I am done", "time to go", "I need to leave", "we are done", "that is it for today", "I am going home", "I am off"],
        ["when"] = ["today", "this morning", "now", "tonight", "right now", "this evening", "these days", "at the moment"],
        ["wrong"] = ["wrong", "bad", "stupid", "not true", "not right", "useless", "incorrect", "not good", "terrible", "false", "not correct", "nonsense", "silly", "boring", "not helpful", "dumb"],
        ["name"] =
        [
            .. WordLists.Names, "John", "Mary", "Peter", "Paul", "Lisa", "Max", "Julia", "Alex", "Maria", "Sofia", "Luca", "Giulia", "Pedro", "Ana", "Carlos", "Lucia", "Arjun", "Priya", "Rahul", "Somchai", "Malee", "Yuki", "Wei", "Ali",
            "Fatima", "Ivan", "Olga", "Thomas", "Sarah", "Laura", "Michael", "James", "Robert", "Linda", "Susan", "Jack", "Oliver", "Lucas", "Mia", "Noah", "Liam", "Chris", "Daniel", "Martin", "Eva", "Karl", "Pierre", "Marie", "Bob", "Alice",
        ],
    };

    static string Fill(PocketRandom random, string template) => Slot().Replace(template, match => random.Pick(Words[match.Groups[1].Value]));

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Slot();
}
