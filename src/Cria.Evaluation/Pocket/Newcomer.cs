namespace Cria.Evaluation.Pocket;

/// <summary>The first things a newcomer types, in many phrasings, answered honestly.</summary>
sealed class Newcomer : PocketFamily
{
    public const string Welcome = "You are welcome!";

    const string Self = "I am pocket, a small demonstration model of a few million parameters that ships with Cria.";
    const string Skills = "I can summarise short threads, rewrite sentences, follow format instructions, answer from a note, translate short phrases, solve small word problems and call tools.";
    const string Larger = "Download Llama 3.2 1B and run: cria chat --model DIRECTORY";
    const string Unknown = "I do not know that. I am only a small demonstration model. For real questions run Llama 3.2 1B: cria chat --model DIRECTORY";

    sealed record Intent(string Answer, string[] Facts, string[] Phrasings);

    static readonly Intent[] Intents =
    [
        new("Hello! What can I do for you?", ["Hello"],
            ["hi", "hello", "hey", "good morning", "good evening", "good day", "hello there", "hi there", "hey there", "greetings", "hi pocket", "hello pocket", "hey pocket"]),
        new(Self, ["pocket", "demonstration model"],
            ["who are you", "what are you", "what is your name", "who am I talking to", "tell me about yourself", "introduce yourself", "what kind of model are you",
             "which model is this", "are you ChatGPT", "are you a human", "are you a robot", "are you an AI", "how big are you", "how many parameters do you have", "who made you", "are you Llama 3.2"]),
        new(Skills, ["summarise", "translate", "tools"],
            ["what can you do", "what can I ask you", "how can you help me", "what are you good at", "help", "what do you know", "show me what you can do",
             "what are your skills", "how does this work", "what should I ask you", "give me some examples of what you can do", "what can I do here"]),
        new(Larger, ["Llama 3.2 1B", "cria chat --model"],
            ["how do I run Llama 3.2 1B", "how can I use a larger model", "how do I run a real Llama", "how do I get a better model", "can I run Llama 3.2 instead",
             "how do I use Llama 3.2 1B instead", "where is the real model", "how do I run a bigger model", "I want a better model", "how can I run Llama 3.2", "how do I load another model"]),
        new(Welcome, ["welcome"],
            ["thanks", "thank you", "thank you very much", "thanks a lot", "many thanks", "great, thanks", "thanks for your help", "cool, thank you", "perfect, thank you"]),
        new("Goodbye!", ["Goodbye"],
            ["bye", "goodbye", "see you", "see you later", "bye bye", "good night", "I have to go", "farewell", "see you tomorrow", "that was all, bye"]),
        new("I am only a program, but all is well. What can I do for you?", ["program"],
            ["how are you", "how do you do", "are you well", "how do you feel", "how is it going", "what's up", "how are you doing", "how are you today"]),
        new(Unknown, ["do not know", "demonstration model"],
            ["who is the president of France", "what is the capital of Australia", "who wrote Hamlet", "what is the meaning of life", "write a poem about the sea", "tell me a joke",
             "what happened in 1969", "how tall is Mount Everest", "explain quantum physics", "who won the world cup", "what is the news", "write a Python program",
             "how do I cook rice", "what is the speed of light", "recommend a good film", "what is the best phone", "how old is the universe", "write an essay about history",
             "what is machine learning", "who is the richest person", "tell me a story", "how do airplanes fly", "what is the stock price of Apple", "can you draw a picture",
             "what is love", "who invented the telephone", "how far away is the moon", "what is the largest ocean", "give me a recipe for bread", "explain how a computer works"]),
    ];

    static readonly string[] Openings = ["", "", "", "hi, ", "hello, ", "hey, ", "hello! ", "please tell me, ", "I have a question: ", "so, ", "ok, ", "excuse me, ", "pocket, ", "well, ", "one question: "];
    static readonly string[] Endings = ["", "?", ".", "!", "??", " please", ", please", " :)", "..."];

    public override string Name => "newcomer";

    public override PocketItem Create(PocketRandom random)
    {
        var intent = random.Pick(Intents);
        var text = random.Pick(Openings) + random.Pick(intent.Phrasings) + random.Pick(Endings);
        if (random.Chance(0.5))
            text = char.ToUpperInvariant(text[0]) + text[1..];
        return PocketItem.Ask(Name, text, intent.Answer, reply => Answers.Facts(reply, intent.Facts));
    }
}
