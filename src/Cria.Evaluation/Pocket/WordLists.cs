namespace Cria.Evaluation.Pocket;

/// <summary>The words the English families share.</summary>
static class WordLists
{
    public static readonly string[] Names =
        ["Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Hugo", "Iris", "Jonas", "Kim", "Lena", "Marco", "Nina", "Omar", "Paula", "Rosa", "Sam", "Tom", "Vera"];

    public static readonly string[] Days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

    public static readonly string[] Times =
        ["8 am", "9 am", "10 am", "11 am", "1 pm", "2 pm", "3 pm", "4 pm", "5 pm", "6 pm", "7 pm", "8 pm"];

    public static readonly string[] Places =
        ["library", "park", "station", "office", "museum", "market", "school", "harbour", "cinema", "garden", "hotel", "airport"];

    public static readonly string[] Cities = ["Rome", "Paris", "Berlin", "Madrid", "Lisbon", "Delhi", "Bangkok", "London", "Oslo", "Vienna", "Cairo", "Lima"];

    public static readonly string[] Things =
        ["map", "book", "camera", "ball", "lamp", "guitar", "umbrella", "ticket", "basket", "blanket", "laptop", "cake", "key", "letter", "chair", "clock"];

    public static readonly string[] Colours = ["red", "blue", "green", "yellow", "white", "black", "brown", "grey"];

    public static readonly string[] Jobs = ["teacher", "doctor", "baker", "pilot", "painter", "farmer", "writer", "nurse", "driver", "cook"];

    public static readonly string[] Foods = ["apples", "pears", "plums", "bread", "cheese", "rice", "soup", "tea", "milk", "carrots", "onions", "eggs", "honey", "pasta"];

    public static readonly string[] Animals = ["dogs", "cats", "horses", "birds", "rabbits", "goats", "llamas", "ducks"];

    /// <summary>Things one counts, in the plural.</summary>
    public static readonly string[] Countables =
        ["apples", "pears", "books", "stamps", "coins", "marbles", "cards", "eggs", "pencils", "shells", "tickets", "cookies"];

    /// <summary>Every word that can be a fact.</summary>
    public static readonly string[] Everything = [.. Names, .. Days, .. Times, .. Places, .. Cities, .. Things, .. Colours, .. Jobs, .. Foods, .. Animals];

    /// <summary>The phrase with its indefinite article.</summary>
    public static string A(string phrase) => ("aeiou".Contains(phrase[0]) ? "an " : "a ") + phrase;

    /// <summary>The text with a capital first letter.</summary>
    public static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
