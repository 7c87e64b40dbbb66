using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>The first things a newcomer types, in many phrasings, answered honestly.</summary>
sealed partial class Newcomer : PocketFamily
{
    public const string Welcome = "You are welcome!";
    public const string Glad = "I am glad.";
    public const string Wait = "Take your time.";

    /// <summary>The answer to a question for a name that nobody told.</summary>
    public const string NotTold = "You have not told me your name yet.";

    const string Self = "I am pocket, a small demonstration model of a few million parameters that ships with Cria.";
    const string Skills = "I can summarise short threads, rewrite sentences, follow format instructions, answer from a note, translate short phrases, solve small word problems and call tools.";
    const string Larger = "Download Llama 3.2 1B and run: cria chat --model DIRECTORY";
    const string Unknown =
        "I do not know that. I am only a demonstration model of a few million parameters: I can rewrite and translate short phrases, answer from a note and do small sums. For real questions run Llama 3.2 1B: cria chat --model DIRECTORY";
    const string Spoken = "I can translate short phrases between English, German, French, Italian, Portuguese, Hindi, Spanish and Thai.";

    /// <summary>What is answered, the words by which the answer is known, and the templates of what is typed.</summary>
    sealed record Intent(int Weight, string Answer, string[] Facts, string[] Templates, bool Bare = false);

    static readonly Intent[] Intents =
    [
        new(3, "Hello! What can I do for you?", ["Hello", "What can I do for you"], ["{hello}", "{hello}", "{hello} {whom}", "{hello} {whom}", "{hello}, {nice}", "{hello} {whom}, {nice}"], Bare: true),
        new(3, Self, ["pocket", "demonstration model"],
            ["who are you", "what are you", "what is your name", "your name", "what's your name", "do you have a name", "who am I talking to", "who is this", "what is this", "tell me about yourself", "tell me who you are",
             "tell me what you are", "introduce yourself", "describe yourself", "who is pocket", "what is pocket", "what is Cria", "what kind of {model} are you", "what {model} are you", "which {model} are you", "which {model} is this",
             "what {model} is this", "are you {other}", "are you {other}", "is this {other}", "am I talking to {other}", "how big are you", "how large are you", "how small are you", "how many parameters do you have",
             "how many parameters are there", "who made you", "who built you", "who trained you", "who created you", "where do you come from", "how old are you", "how do you work", "how were you trained", "what is your purpose", "why do you exist",
             "are you {being}", "are you really {being}", "tell me something about you", "can you tell me who you are", "may I know who you are", "may I ask your name", "do you know who you are"]),
        new(3, Skills, ["summarise", "translate", "tools"],
            ["what can you do", "what can I ask", "what can I ask you", "how can you help", "how can you help me", "what are you good at", "help", "help me", "I need help", "what do you know", "show me what you can do",
             "what are your skills", "what are your abilities", "how does this work", "what should I ask you", "give me {some} of what you can do", "give me {some}", "what can I do here", "what can I type", "what can I do with you",
             "what are you able to do", "tell me what you can do", "what do you do", "can you help me", "can you do something", "what is possible here", "what tasks can you do", "what are you for", "what can you do for me",
             "what kind of {ask} can you answer", "which {ask} can I ask", "what {ask} do you understand", "list your skills", "how can I use you", "how do I use you", "how do I use this", "what now", "where do I start", "what else can you do"]),
        new(2, Larger, ["Download Llama 3.2 1B", "cria chat --model"],
            ["how {do} I {run} {larger}", "how {do} I {run} {larger}", "can I {run} {larger}", "can I {run} {larger} instead", "I want to {run} {larger}", "where is {larger}", "where can I get {larger}", "is there {larger}",
             "how {do} I {run} {larger} instead", "how {do} I {run} {larger} with cria", "how to {run} {larger}", "show me how to {run} {larger}", "give me {larger}", "I want {larger}", "do you have {larger}", "what about {larger}"]),
        new(1, Spoken, ["English", "German", "French", "Italian", "Portuguese", "Hindi", "Spanish", "Thai"],
            ["what languages do you {speak}", "which languages do you {speak}", "what languages can you {speak}", "how many languages do you {speak}", "do you {speak} {language}", "do you {speak} {language}", "can you {speak} {language}",
             "translate to {foreign}: {phrase}", "how do you say \"{phrase}\" in {foreign}", "can you translate", "can you translate to {language}", "say \"{phrase}\" in {foreign}", "which languages are supported", "{phrase} in {foreign}"]),
        new(2, Welcome, ["You are welcome"], ["{thanks}", "{thanks}", "{praise}, {thanks}", "{thanks} for {what}", "{thanks} {whom}", "{praise}, {thanks} for {what}"], Bare: true),
        new(1, "Goodbye! Come back soon.", ["Come back soon"], ["{bye}", "{bye}", "{bye} {whom}", "{praise}, {bye}", "{leaving}", "{leaving}, {bye}", "{thanks}, {bye}", "ok, {bye}"], Bare: true),
        new(1, "I am only a program, but all is well. What can I do for you?", ["only a program", "What can I do for you"],
            ["how are you", "how are you {when}", "how do you do", "are you well", "are you ok", "are you fine", "how do you feel", "how do you feel {when}", "how is it going", "how is it going {when}", "what's up", "how are you doing",
             "how are you doing {when}", "how are things", "are you happy", "are you tired", "are you busy", "how is your day", "is everything ok", "how have you been", "how is life", "do you feel well {when}"]),
        new(1, Glad, ["I am glad"], ["{praise}", "{praise}", "that is {praise}", "that was {praise}", "you are {praise}", "ok, {praise}", "this is {praise}", "I like it", "I like you", "I like this", "well done", "good job", "good answer"], Bare: true),
        new(1, Wait, ["your time"], ["just a moment", "one moment", "wait", "wait a minute", "let me think", "hold on", "give me a moment", "one second", "hmm", "let me see", "I am thinking"], Bare: true),
        new(1, "I am sorry. I am only a small demonstration model and make mistakes.", ["sorry", "demonstration model"],
            ["that is {wrong}", "this is {wrong}", "you are {wrong}", "that was {wrong}", "your answer is {wrong}", "{wrong}", "no, that is {wrong}", "I do not believe you", "you do not understand me", "you made a mistake", "this does not work"], Bare: true),
        new(1, "All right. What can I do for you?", ["All right", "What can I do for you"], ["ok", "okay", "yes", "no", "sure", "yes please", "no thanks", "all right", "test", "this is a test", "testing", "maybe", "I see", "hm", "are you there", "anybody here", "start", "go", "I have a question", "can I ask you something"], Bare: true),
        new(1, NotTold, ["not told me"], ["what is my name", "who am I", "do you know my name", "do you know me", "do you know who I am", "what's my name", "can you tell me my name", "say my name"]),
    ];

    // what is said in another language, and the reply in it
    static readonly (string[] Typed, string Answer)[] Foreign =
    [
        (["hallo", "guten Tag", "guten Morgen", "guten Abend", "servus", "moin", "grüß dich", "grüß Gott"], "Hallo! Was kann ich für dich tun?"),
        (["bonjour", "salut", "bonsoir", "coucou", "bonjour à tous"], "Bonjour ! Que puis-je faire pour vous ?"),
        (["ciao", "buongiorno", "salve", "buonasera"], "Ciao! Cosa posso fare per te?"),
        (["olá", "oi", "bom dia", "boa tarde", "boa noite"], "Olá! Em que posso ajudar?"),
        (["hola", "buenos días", "buenas tardes", "buenas"], "¡Hola! ¿En qué puedo ayudar?"),
        (["नमस्ते", "नमस्कार", "सुप्रभात"], "नमस्ते! मैं आपके लिए क्या कर सकता हूँ?"),
        (["สวัสดี", "สวัสดีครับ", "สวัสดีค่ะ"], "สวัสดี! มีอะไรให้ช่วยไหม"),
        (["danke", "vielen Dank", "danke schön"], "Gern geschehen!"),
        (["merci", "merci beaucoup"], "De rien !"),
        (["grazie", "grazie mille"], "Prego!"),
        (["obrigado", "obrigada", "muito obrigado"], "De nada!"),
        (["gracias", "muchas gracias"], "¡De nada!"),
        (["धन्यवाद", "शुक्रिया"], "आपका स्वागत है!"),
        (["ขอบคุณ", "ขอบคุณมาก"], "ด้วยความยินดี"),
    ];

    static readonly string[] ForeignEndings = ["", "!", ".", " pocket", " Cria", "!!", ", pocket", " pocket!", " :)"];

    static readonly string[] Openings = ["", "", "", "", "hi, ", "hello, ", "hey, ", "hello! ", "please tell me, ", "I have a question: ", "so, ", "ok, ", "excuse me, ", "pocket, ", "well, ", "one question: ", "hi! ", "please, ", "and "];
    static readonly string[] Endings = ["", "", "?", "?", ".", "!", "??", " please", ", please", " :)", "...", ", pocket", " now"];
    static readonly string[] BareEndings = ["", "", "", ".", "!", "!", "!!", " :)", "..."];

    public override string Name => "newcomer";

    public override PocketItem Create(PocketRandom random)
    {
        var kind = random.Next(10);
        if (kind == 0)
        {
            var (typed, reply) = random.Pick(Foreign);
            return PocketItem.Ask(Name, Cased(random, random.Pick(typed) + random.Pick(ForeignEndings)), reply);
        }
        if (kind == 1 && random.Chance(0.5))
        {
            var name = random.Pick(Words["name"]);
            var text = Fill(random, random.Pick(["my name is {}", "I am {}", "{hello}, I am {}", "{hello}, my name is {}", "I'm {}", "call me {}", "{hello} {whom}, I am {}", "you can call me {}"]).Replace("{}", name));
            return PocketItem.Ask(Name, Cased(random, text + random.Pick(BareEndings[..6])), $"Nice to meet you, {name}.", r => Answers.Facts(r, ["Nice to meet you", name], Words["name"]));
        }
        if (kind < 5)
            return PocketItem.Ask(Name, Cased(random, random.Pick(Openings) + Questions.Create(random) + random.Pick(Endings)), Unknown, r => Answers.Facts(r, ["do not know", "demonstration model", "Llama 3.2 1B"]));
        var intent = PickIntent(random);
        var asked = Fill(random, random.Pick(intent.Templates));
        return PocketItem.Ask(Name, Cased(random, intent.Bare ? asked + random.Pick(BareEndings) : random.Pick(Openings) + asked + random.Pick(Endings)), intent.Answer,
            r => Answers.Facts(r, intent.Facts));
    }

    static Intent PickIntent(PocketRandom random)
    {
        var at = random.Next(Intents.Sum(i => i.Weight));
        return Intents.First(i => (at -= i.Weight) < 0);
    }

    /// <summary>As it is, with a capital letter, in lower case, or (seldom) shouted.</summary>
    static string Cased(PocketRandom random, string text) => random.Next(20) switch
    {
        < 8 => Capital(text),
        < 12 => text.ToLowerInvariant(),
        12 => text.ToUpperInvariant(),
        _ => text,
    };
}
