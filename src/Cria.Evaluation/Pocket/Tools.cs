using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using static Cria.Evaluation.Pocket.WordLists;

namespace Cria.Evaluation.Pocket;

/// <summary>Choosing and writing a call for the tools on offer, and using a tool's result.</summary>
sealed class Tools : PocketFamily
{
    /// <summary>What a request that no tool fits is answered with.</summary>
    public const string NoTool = "None of the functions can do that.";

    /// <summary>A tool: its names, one of which an item uses, its definition, and requests that fit it.</summary>
    sealed record Tool(string[] Names, string Description, (string Name, string Type, string Description)[] Parameters, Func<PocketRandom, Request> Draw)
    {
        /// <summary>The definition under each of the names.</summary>
        public IReadOnlyList<AIFunctionDeclaration> Declarations { get; } = [.. Names.Select(n => AIFunctionFactory.CreateDeclaration(n, Description, Schema(Parameters)))];

        static JsonElement Schema((string Name, string Type, string Description)[] parameters)
        {
            var properties = string.Join(",", parameters.Select(p => $"\"{p.Name}\":{{\"type\":\"{p.Type}\",\"description\":\"{p.Description}\"}}"));
            using var document = JsonDocument.Parse($"{{\"type\":\"object\",\"properties\":{{{properties}}},\"required\":[{string.Join(",", parameters.Select(p => $"\"{p.Name}\""))}]}}");
            return document.RootElement.Clone();
        }
    }

    /// <summary>What a user asks, the arguments that fit it, a result, the sentence that tells it and the facts in that sentence.</summary>
    sealed record Request(string Text, object[] Arguments, string Result, string Answer, string[] Facts);

    static readonly string[] Skies = ["sunny", "cloudy", "rainy", "windy"];
    static readonly string[] Genres = ["jazz", "rock", "pop", "folk", "piano"];
    static readonly string[] Dishes = ["soup", "pasta", "rice", "salad", "pizza"];
    static readonly string[] Rooms = ["kitchen", "bedroom", "bathroom", "hall"];

    /// <summary>What an answer may only name if the request or its result does.</summary>
    static readonly string[] Rivals =
        [.. Cities, .. Names, .. Days, .. Times, .. Things, .. Places, .. Colours, .. Skies, .. Genres, .. Dishes, .. Rooms, .. Enumerable.Range(2, 98).Select(n => $"{n}")];

    static readonly Tool[] All =
    [
        new(["get_weather", "weather_report"], "Get the weather of a city", [("city", "string", "The city")], r =>
        {
            var (city, degrees, sky) = (r.Pick(Cities), r.Between(2, 39), r.Pick(Skies));
            return new(r.Pick([$"What is the weather in {city}?", $"How is the weather in {city} today?", $"Tell me the weather in {city}."]), [city],
                $"{degrees} C, {sky}", $"It is {sky} in {city} with {degrees} C.", [city, $"{degrees}", sky]);
        }),
        new(["set_timer", "start_timer"], "Set a timer", [("minutes", "integer", "How many minutes")], r =>
        {
            var minutes = r.Between(2, 60);
            return new(r.Pick([$"Set a timer for {minutes} minutes.", $"Wake me in {minutes} minutes.", $"I need a timer of {minutes} minutes."]), [(long)minutes],
                "ok", $"The timer is set for {minutes} minutes.", ["is set", $"{minutes}"]);
        }),
        new(["add_event", "create_event"], "Add an event to the calendar", [("title", "string", "The title"), ("day", "string", "The day")], r =>
        {
            var (title, day) = (r.Pick(["lunch", "party", "lesson", "meeting", "concert"]), r.Pick(Days));
            return new(r.Pick([$"Put a {title} on {day} into my calendar.", $"Add a {title} on {day}.", $"I have a {title} on {day}, note it."]), [title, day],
                "ok", $"The {title} on {day} is in your calendar.", [title, day, "is in your calendar"]);
        }),
        new(["send_message", "send_text"], "Send a message to a person", [("to", "string", "The person"), ("text", "string", "The message")], r =>
        {
            var (to, text) = (r.Pick(Names), r.Pick(["I am late", "see you soon", "call me", "happy birthday", "dinner is ready", "good luck"]));
            return new(r.Pick([$"Send {to} the message \"{text}\".", $"Write \"{text}\" to {to}.", $"Tell {to}: \"{text}\"."]), [to, text],
                "sent", $"The message to {to} is sent.", [to, "is sent"]);
        }),
        new(["get_price", "find_price"], "Get the price of a product", [("product", "string", "The product")], r =>
        {
            var (product, price) = (r.Pick(Things), r.Between(3, 99));
            return new(r.Pick([$"How much is the {product}?", $"What is the price of the {product}?", $"What does the {product} cost?"]), [product],
                $"{price} euros", $"The {product} costs {price} euros.", [product, $"{price}", "euros"]);
        }),
        new(["find_place", "search_place"], "Find a place in a city", [("place", "string", "The kind of place"), ("city", "string", "The city")], r =>
        {
            var (place, city, street) = (r.Pick(Places), r.Pick(Cities), r.Pick(["Main Street", "Oak Street", "Park Road", "Hill Road", "River Street"]));
            return new(r.Pick([$"Find a {place} in {city}.", $"Where is a {place} in {city}?", $"I am looking for a {place} in {city}."]), [place, city],
                street, $"There is a {place} in {city} in {street}.", [place, city, street]);
        }),
        new(["play_music", "start_music"], "Play music", [("genre", "string", "The kind of music")], r =>
        {
            var genre = r.Pick(Genres);
            return new(r.Pick([$"Play some {genre}.", $"I want to hear {genre}.", $"Put on {genre} music."]), [genre], "playing", $"Now playing {genre}.", ["playing", genre]);
        }),
        new(["turn_on_light", "set_light"], "Turn on a light", [("room", "string", "The room"), ("colour", "string", "The colour of the light")], r =>
        {
            var (room, colour) = (r.Pick(Rooms), r.Pick(Colours[..5]));
            return new(r.Pick([$"Turn on the {colour} light in the {room}.", $"I want {colour} light in the {room}.", $"Make the light in the {room} {colour}."]), [room, colour],
                "ok", $"The light in the {room} is {colour} now.", [room, $"is {colour}"]);
        }),
        new(["get_time", "world_time"], "Get the time in a city", [("city", "string", "The city")], r =>
        {
            var (city, time) = (r.Pick(Cities), r.Pick(Times));
            return new(r.Pick([$"What time is it in {city}?", $"Tell me the time in {city}."]), [city], time, $"It is {time} in {city}.", [city, time]);
        }),
        new(["order_food", "buy_food"], "Order food", [("food", "string", "The food"), ("count", "integer", "How many portions")], r =>
        {
            var (food, count, minutes) = (r.Pick(Dishes), r.Between(2, 9), r.Between(10, 60));
            return new(r.Pick([$"Order {count} portions of {food}.", $"I would like {count} portions of {food}.", $"Get us {count} portions of {food}."]), [food, (long)count],
                $"{minutes} minutes", $"The {food} will be there in {minutes} minutes.", [food, $"in {minutes} minutes"]);
        }),
    ];

    public override string Name => "tools";

    public override PocketItem Create(PocketRandom random)
    {
        var offered = random.Pick(All, random.Chance(0.6) ? 1 : 2);
        var tool = random.Pick(offered);
        var request = tool.Draw(random);
        AIFunctionDeclaration[] tools = [.. offered.Select(t => random.Pick(t.Declarations))];
        var name = tools[offered.IndexOf(tool)].Name;
        if (random.Chance(0.12))
        {
            var text = random.Chance(0.3) ? Capital(Questions.Create(random)) + "?" : random.Pick([.. All.Except(offered)]).Draw(random).Text;
            return PocketItem.Ask(Name, text, NoTool) with { Tools = tools };
        }
        var arguments = new Dictionary<string, object?>();
        for (var i = 0; i < tool.Parameters.Length; i++)
            arguments[tool.Parameters[i].Name] = request.Arguments[i];
        var call = new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("call_0", name, arguments)]);
        if (random.Chance(0.65))
            return new PocketItem(Name, [new(ChatRole.User, request.Text)], call, tools, reply => SameCall(reply, name, arguments) ? 1 : 0);
        string[] rivals = [.. Rivals.Where(r => !Answers.Names($"{request.Text} {request.Result}", r))];
        return PocketItem.Ask(Name, [new(ChatRole.User, request.Text), call, new(ChatRole.Tool, [new FunctionResultContent("call_0", request.Result)])],
            request.Answer, reply => Answers.Facts(reply, request.Facts, rivals)) with
        { Tools = tools };
    }

    /// <summary>Whether a reply is calls of tools on offer with arguments of their names and types, all those required among them, or text that does not begin like a call.</summary>
    internal static bool IsWellFormed(ChatMessage reply, IReadOnlyList<AIFunctionDeclaration> tools)
    {
        FunctionCallContent[] calls = [.. reply.Contents.OfType<FunctionCallContent>()];
        return calls.Length == 0 ? reply.Text.TrimStart() is not ['[' or '{' or '<', ..]
            : Array.TrueForAll(calls, c => tools.Any(t => t.Name == c.Name && Fits(c.Arguments ?? new Dictionary<string, object?>(), t.JsonSchema)));

        static bool Fits(IDictionary<string, object?> arguments, JsonElement schema)
        {
            var properties = schema.GetProperty("properties");
            return schema.GetProperty("required").EnumerateArray().All(r => arguments.ContainsKey(r.GetString()!))
                && arguments.All(a => properties.TryGetProperty(a.Key, out var property) && (property.GetProperty("type").GetString() == "integer" ? a.Value is long : a.Value is string));
        }
    }

    static bool SameCall(ChatMessage reply, string name, Dictionary<string, object?> arguments)
    {
        FunctionCallContent[] calls = [.. reply.Contents.OfType<FunctionCallContent>()];
        return calls.Length == 1 && calls[0].Name == name && calls[0].Arguments is { } got && got.Count == arguments.Count
            && arguments.All(a => got.TryGetValue(a.Key, out var value)
                && string.Equals(Text(value), Text(a.Value), StringComparison.OrdinalIgnoreCase));

        static string? Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture);
    }
}
